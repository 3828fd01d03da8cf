"""English templates of lectures, meetings, announcements and of this program itself."""

from __future__ import annotations

from training.language.wordlists import lines

TEMPLATES: dict[str, tuple[str, ...]] = {
    "lecture": lines("""
        Welcome to the {ordinal} lecture on {topic}.
        Today we will talk about {topic} and {topic}.
        In the {ordinal} chapter we learned about {topic}.
        The {ordinal} question is about {topic}.
        Please open your books on page {n}.
        Let us begin with a short story about {topic}.
        This picture shows the {ordinal} part of the experiment.
        Our next speaker is {name} from {city}.
        {name} will speak about {topic} {future}.
        That is the end of the {ordinal} lesson.
        Are there any questions about {topic}?
        You can read more about {topic} on page {n}.
        The lecture on {topic} takes {n} minutes.
        The students asked {n} questions about {topic}.
        Most people know very little about {topic}.
        Remember that the homework is due on {day}.
        So today we are going to talk about {topic}.
        Good morning everyone, and welcome to the {ordinal} lecture on {topic}.
        As you can see on this slide, the number grew by {n} percent.
        Let me give you an example from {topic}.
        So what does that mean for {topic}?
        The idea is quite simple.
        Now, let us look at the {ordinal} example.
        In other words, {present}.
        First of all, we need to understand {topic}.
        To sum up, {topic} and {topic} are closely related.
        This brings me to the {ordinal} point.
        We will come back to {topic} in a few minutes.
        Does anyone have a question so far?
        Think about {topic} for a moment.
        The main idea goes back to {year}.
        What we know about {topic} has changed since {year}.
        On the other hand, {topic} is not the same as {topic}.
        Next week we will continue with {topic}.
        I want to start with a question about {topic}.
        Let us take a short break of {n} minutes.
        Thank you all for listening.
        On average, {n} percent of the students pass the exam.
        The result of the experiment was {big}.
        You will find the slides on the web page of the course."""),
    "captions": lines("""
        The captions appear on the screen while {person} speaks.
        The captions help people who cannot hear {person}.
        Every word appears {n} {short} after it is spoken.
        Live captions make the lecture on {topic} easy to follow.
        Please turn on the captions for the {ordinal} lecture.
        You can read the words while {person} speaks {how}.
        The captions for the talk about {topic} are ready.
        Speak {how} and watch the words appear.
        The words on the screen follow the voice of {person}.
        {name} reads the captions {when}.
        The captions are {color} and easy to read.
        This is a test of the captions in the {room}.
        Nothing you say leaves this computer.
        The transcript of the {ordinal} meeting is ready.
        You can save the captions as {fmt}.
        The captions are turned off.
        Can everyone see the captions?
        The captions are a few seconds behind the speaker.
        What you say appears as text on the screen.
        The partial text may still change.
        The final text does not change anymore.
        Please speak clearly into the microphone.
        The captions for the {ordinal} talk start at {time}.
        We caption {n} lectures every week."""),
    "tech": lines("""
        The {part} is {state}.
        The {part} is {state} and the {part} is {state}.
        Restart the {part} when the {part} is {state}.
        The {part} sends audio to the {part}.
        Open the {part} and check the {part}.
        The {part} answers after {n} seconds.
        The {part} writes {fmt} every {n} seconds.
        Save the transcript as {fmt}.
        Why is the {part} {state}?
        Is the {part} {state} or {state}?
        The {part} keeps {n} seconds of audio.
        Start a new session in {n} {short}.
        The {part} sends {fmt} to the {part}.
        Stop the recording after {n} {short}.
        The sample rate is {n} thousand samples per second.
        We measured {n} seconds on {n} computers.
        The {ordinal} {part} is connected to the {part}.
        The latency is {n} milliseconds.
        The partial result arrives after {n} milliseconds.
        The final transcript has {big} words.
        The model produces {n} tokens per second.
        The window is {n} seconds long.
        The stream was closed by the {part}.
        The browser asks for permission to use the microphone.
        The encoder turns the audio into {big} features.
        The decoder predicts the next token.
        The cache holds {big} tokens.
        The key value cache is {state}.
        We lost the connection to the {part}.
        Please restart the {part} and try again.
        The {part} runs on a {adj} computer in {city}.
        Check the log of the {part} for errors.
        The error rate went down by {n} percent.
        The {part} uses {n} megabytes of memory.
        The server accepts {n} streams at the same time.
        Did you update the {part} {past}?
        Close the {part} before you open the {part}.
        The new version of the {part} is {n} percent faster.
        Reload the page and allow the microphone.
        The {part} waits for the {part}.
        The graphics card has {n} gigabytes of memory.
        The web socket is {state}.
        The batch has {n} requests.
        Speech recognition runs on this computer only."""),
    "meeting": lines("""
        Can everyone hear me?
        {name}, you are on mute.
        Let's get started.
        I think we should start with {topic}.
        The next item on the agenda is {topic}.
        Who is taking notes today?
        Let's move on to the {ordinal} point.
        I will send you the report {future}.
        {name} will take care of the {part}.
        Could you share your screen, please?
        We are running out of time.
        We have {n} minutes left.
        Are there any other questions?
        So, what are the next steps?
        I agree with {name}.
        I'm not sure about that.
        Let's talk about this {future}.
        We need a decision by {day}.
        The project is {n} percent done.
        The budget is {big} dollars.
        {name} is going to present the results of the {ordinal} test.
        I have one more question about the {part}.
        Thank you all for coming.
        That's all from my side.
        Sorry, I was late because {fact}.
        The meeting on {day} is canceled.
        Okay, let's go back to the {part}.
        Well, I would say that {present}."""),
    "announcement": lines("""
        Ladies and gentlemen, welcome to {city}.
        The train to {city} will leave from platform {n}.
        Attention please, the train to {city} is {n} minutes late.
        The flight to {city} is ready for boarding at gate {letter} {n}.
        Please mind the gap between the train and the platform.
        The next stop is {street} Street.
        Please keep your bags with you at all times.
        The museum closes in {n} minutes.
        This is the last call for the flight to {city}.
        Please have your tickets ready.
        We will be landing in {city} in about {n} minutes.
        The library will be closed on {day}, {month} {nth}.
        Please leave the building through the nearest exit.
        Passengers for {city}, please go to gate {n}.
        The concert starts at {time} in the main hall.
        We apologize for the delay."""),
    "interview": lines("""
        Today I am talking to {name}, who is a {job} from {city}.
        Thank you for inviting me.
        How did you become a {job}?
        Well, I started {doing} when I was {n}.
        What was the most difficult part?
        I think the most important thing is {topic}.
        What did you learn from that?
        You were born in {city}, is that right?
        Yes, I grew up there.
        Tell us a little about your work.
        I have been working on {topic} for {n} years.
        So why did you choose {topic}?
        To be honest, I never liked {topic}.
        What would you say to young people who want to study {topic}?
        That's a very good question.
        Can you tell us more about {topic}?
        At first I wanted to be a {job}.
        In {year} I moved to {city}."""),
}
