"""English templates of conversation and stories, see ``training.grammar_en``."""

from __future__ import annotations

from training.language.wordlists import lines

TEMPLATES: dict[str, tuple[str, ...]] = {
    "talk": lines("""
        Hello, my name is {name}.
        Good morning, {name}.
        Good evening, how are you today?
        How are you, {name}?
        I am {feeling}, thank you.
        Nice to meet you, {name}.
        Where are you from?
        I come from {city}, but I live in {city}.
        Are you {feeling}?
        Thank you very much, {name}.
        See you {future}.
        What do you think about {topic}?
        I do not know the answer.
        Could you say that again, please?
        Do you speak Spanish or English?
        {name} is a {job} in {city}.
        I want to become a {job}.
        My favorite color is {color}.
        {person_cap} likes {doing} and {doing}.
        {name} is very good at {doing}.
        We love {doing} {when}.
        Have a good trip to {city}.
        How old is your {animal}?
        Would you like to {activity} with me?
        Let us {activity} {future}.
        What did you do {past}?
        How was your weekend?
        It was very nice, thank you.
        I am sorry, I did not hear that.
        Could you speak a little louder, please?
        What do you do for a living?
        I work as a {job} in {city}.
        Do you have any plans for {day}?
        It is good to see you again, {name}.
        How is your {family} doing?
        My {family} lives in {city}.
        I am {feeling}, but I did not sleep well.
        Excuse me, is this seat taken?
        Can I help you with that?
        That sounds like a good idea.
        I really liked the {adj} {thing}.
        Do you know {name}?
        My address is {n} {street} Street, {city}.
        She lives at {n} {street} Street.
        Let's {activity} {future}.
        I don't think that {present}.
        We're going to {activity} {future}.
        It's not far, but it's {weather}.
        I can't {activity} {future}.
        Don't forget to {activity}.
        He didn't {activity} {past}.
        You're right, {present}."""),
    "story": lines("""
        {subject} {did} a {adj} {thing} {past}.
        {subject} {did} the {color} {thing} at {place}.
        {subject} {did} the {thing} because {fact}.
        {subject} {verb} {how} near {place}.
        {subject} {verb} {how} while {fact}.
        {subject} and {name} {went} to {place} {past}.
        {subject} {did} {n} {adj} things at {place}.
        When {fact}, {subject} {verb} {how}.
        The {color} {thing} is {where}.
        The {adj} {thing} belongs to {name}.
        The {animal} and the {animal} are {where}.
        a {color} {animal} {went} {how} across the road.
        {subject} saw a {adj} {animal} near {place}.
        {subject} was {feeling} because {fact}.
        I think that {present}, but {name} does not agree.
        {subject} said that {fact}.
        {subject} gave the {thing} to {person}.
        {subject} put the {thing} {where}.
        If {present}, we will {activity} {future}.
        {fact_cap}, and {fact}.
        {present_cap}, so we can {activity}.
        {subject} wanted to {activity}, but {fact}.
        After that, {subject} {verb} {how}.
        {subject} went to {place} and {did} a {thing}.
        Nobody knew that {fact}.
        {subject} has a {adj} {animal} and a {color} {thing}.
        Before {subject} {verb}, {fact}.
        There was an old {thing} {where}.
        The first {thing} was {adj}, but the second was {adj} and {color}.
        Every morning {subject} {verb} near {place}."""),
    "question": lines("""
        Where is the {color} {thing}?
        Who {did} the {adj} {thing}?
        Why was {person} so {feeling}?
        When will you {activity}?
        How do I get to {place}?
        Can you help me with the {thing}?
        Did {name} {activity} {past}?
        Is {place} far from here?
        How many {unit} do we have?
        Have you seen my {adj} {thing}?
        Which {thing} do you like, the {color} one or the {color} one?
        Does {name} live in {city} or in {city}?
        Is the {thing} {where}?
        Who is the {job} from {city}?
        Do you want {drink} or {drink}?
        Can {person} {activity} {future}?
        What time is it?
        What is the difference between {topic} and {topic}?
        Where did you put the {thing}?
        How long does it take to {activity}?
        Why do we need {topic}?
        Would you rather {activity} or {activity}?
        What happens if {present}?
        Who wants to {activity}?
        Do you agree with {name}?
        Can you hear me?
        Is this the {thing} that {name} {did}?
        How much does the {adj} {thing} cost?"""),
    "directions": lines("""
        {place_cap} is {where}.
        Turn left at {place} and walk for {n} meters.
        Turn right after {n} meters.
        Take the {ordinal} street on the left.
        Go past {place} and turn right at {place}.
        The bus to {place} stops {where}.
        Take the train from {city} to {city}.
        It takes {n} {short} to get to {place}.
        You will see {place} {where}.
        The {ordinal} door {where} is the {room}.
        Keep going straight for {n} {short}.
        Excuse me, where is {place}?
        It is about {n} meters from {place}.
        Cross the road and turn left.
        The station is {where}.
        Get off at the {ordinal} stop.
        Follow the {color} signs to {place}."""),
    "short": lines("""
        Yes.
        No.
        Yes, please.
        No, thank you.
        Thank you.
        Thank you very much.
        You're welcome.
        Good morning everyone.
        Good night.
        Goodbye.
        Hello.
        Hello, {name}.
        Hi, {name}.
        Okay.
        Of course.
        Sure.
        Maybe {future}.
        Not {future}.
        I see.
        I agree.
        I don't know.
        Excuse me?
        Really?
        Why not?
        That's right.
        Exactly.
        Sorry.
        One moment, please.
        See you {future}.
        See you on {day}.
        On {day}.
        At {time}.
        In {n} {short}.
        Yes, on {day}.
        No, at {time}.
        Come in.
        Go ahead.
        Stop.
        Wait a minute.
        Next question, please.
        Over there, {where}.
        {name} and {name}.
        Thanks, {name}.
        Two {plural}, please.
        Some {mass}, please.
        About {n} {unit}.
        In {city}.
        Which {thing}?
        The {color} one.
        No problem.
        Well done."""),
    "imperative": lines("""
        Open the {thing} and close the {thing}.
        Give the {thing} to {person}.
        Put the {adj} {thing} {where}.
        Tell {name} that {present}.
        Write this down, please.
        Say the words {how}.
        Listen to {person}.
        Look at the {color} {thing}.
        Please sit down.
        Do not touch the {adj} {thing}.
        Bring me the {thing} from the {room}.
        Send a message to {name}.
        Read the {ordinal} sentence again.
        Repeat the {ordinal} word.
        Ask {person} about {topic}.
        Wait until {time}.
        Press the {color} button {n} times.
        Delete the {ordinal} line and save the file.
        Start the recording.
        Pause the recording for {n} {short}.
        Show me the transcript of the {ordinal} meeting.
        Find a {job} in {city}."""),
}
