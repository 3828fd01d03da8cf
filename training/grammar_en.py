"""The English demo grammar: word lists and sentence templates.

``{slot}`` in a template is filled from ``LISTS`` or by a rule of ``training.text``. The groups
of ``TEMPLATES`` are drawn evenly, so their number sets the mix of the domain.
"""

from __future__ import annotations

from training.wordlists import items, lines

LISTS: dict[str, tuple[str, ...]] = {
    "name": items("""Anna|Peter|Maria|John|Sarah|David|Emma|Daniel|Laura|Michael|Julia|Thomas
        |Nina|Robert|Alice|Simon|Clara|Martin|Sofia|Oliver|Helen|Jack|Lucy|George|Karen|Paul
        |Rosa|Victor|Irene|Leo|Grace|Henry"""),
    "person": items("""my sister|my brother|the teacher|our neighbor|the doctor|my friend
        |the driver|her mother|his father|the student|the manager|the nurse|a farmer|the pilot
        |the speaker|the baker|my uncle|the old man|the young woman|a tall boy"""),
    "city": items("""London|Paris|Berlin|Madrid|Rome|Boston|Chicago|Dublin|Toronto|Sydney
        |Vienna|Oslo|Lisbon|Denver|Seattle|Tokyo|Prague|Athens"""),
    "room": items("""kitchen|bedroom|living room|bathroom|office|garage|hallway|basement
        |dining room|garden|library|attic"""),
    "device": items("""lights|lamp|heater|fan|radio|television|speaker|oven|alarm
        |air conditioner|printer|coffee machine|camera|dishwasher"""),
    "place": items("""the market|the station|the park|the school|the beach|the museum
        |the airport|the hospital|the bakery|the bank|the theater|the river|the old bridge
        |the train station|the library|the village|the harbor|the forest|the lake"""),
    "food": items("""bread|cheese|rice|soup|salad|chicken|fish|pasta|apples|bananas|oranges
        |tomatoes|potatoes|eggs|butter|onions|carrots|strawberries|honey|chocolate|pancakes"""),
    "drink": items("""coffee|tea|water|milk|orange juice|lemonade|hot chocolate|apple juice
        |green tea|black coffee"""),
    "animal": items("""dog|cat|horse|bird|rabbit|sheep|cow|duck|goat|mouse|lion|elephant|monkey
        |turtle|wolf|bear|owl|whale"""),
    "color": items("red|blue|green|yellow|black|white|brown|orange|purple|gray|pink|silver"),
    "thing": items("""book|table|chair|bag|bottle|box|letter|picture|phone|key|umbrella|jacket
        |bicycle|guitar|hat|clock|mirror|basket|blanket|ladder|newspaper|map|ticket|window
        |computer|notebook|candle|piano|suitcase|carpet"""),
    "adj": items("""small|large|new|old|heavy|light|beautiful|broken|wooden|expensive|cheap
        |strange|clean|dirty|empty|long|round|soft|simple|famous"""),
    "did": items("""bought|found|lost|sold|painted|moved|carried|forgot|fixed|cleaned|wanted
        |noticed|borrowed|opened|dropped|hid|brought|remembered"""),
    "feeling": items("""happy|tired|hungry|thirsty|angry|nervous|proud|sad|surprised|busy|late
        |ready|calm|cold|bored|excited"""),
    "day": items("Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"),
    "month": items("""January|February|March|April|May|June|July|August|September|October
        |November|December"""),
    "when": items("""today|tomorrow|yesterday|this morning|this evening|tonight|last week
        |next week|last night|every day|in the afternoon|on the weekend|after lunch
        |before dinner|two days ago|last summer"""),
    "past": items("""yesterday|this morning|last week|last night|two days ago|last summer
        |after lunch|before dinner|in the afternoon|a year ago"""),
    "future": items("""today|tomorrow|tonight|this evening|next week|next month|after lunch
        |on the weekend|in the afternoon|soon"""),
    "weather": items("""sunny|cloudy|rainy|windy|foggy|cold|warm|hot|dry|stormy|cool|icy"""),
    "topic": items("""history|music|physics|biology|art|language|mathematics|medicine|geography
        |economics|chemistry|astronomy|philosophy|engineering|poetry|climate|the brain
        |the human voice|artificial intelligence|world trade|machine learning
        |speech recognition|public health|the oceans"""),
    "job": items("""teacher|doctor|engineer|lawyer|farmer|driver|writer|painter|nurse|cook
        |pilot|singer|scientist|carpenter|baker|dancer"""),
    "part": items("""server|client|decoder|encoder|microphone|recorder|buffer|model|browser
        |network|session|connection|transcript|queue|speaker|window|stream|token|worker|cache"""),
    "state": items("""ready|busy|closed|open|full|empty|slow|fast|idle|stable|offline|active
        |finished|broken|quiet"""),
    "fmt": items("""text|audio|plain text|a subtitle file|a sound file|a short summary
        |a table|a web page"""),
    "doing": items("""reading|cooking|swimming|painting|singing|dancing|running|writing
        |sleeping|working|walking|drawing|fishing|shopping|gardening|driving|traveling"""),
    "activity": items("""read a book|cook dinner|go for a walk|play the piano|watch a movie
        |wash the dishes|call my mother|water the plants|feed the cat|write a letter
        |clean the kitchen|take a nap|ride a bicycle|listen to music|play chess|visit a friend
        |learn a language|drink some tea|go to bed|take the train"""),
    "fact": items("""the bus was late|it was raining|the door was open|the shop was closed
        |nobody was there|the music was loud|the road was empty|the train was full
        |the coffee was cold|the sun was shining|the river was high|the lights were off
        |the meeting was long|the price was fair|everyone was asleep|the snow was deep
        |the phone was ringing|the water was warm|the story was true|the garden was quiet"""),
    "present": items("""the weather is nice|the store is open|the soup is hot|the baby is asleep
        |the work is done|the answer is simple|the car is broken|dinner is ready
        |the door is locked|the water is clean|the bus is here|the room is quiet
        |the test is over|the flowers are beautiful|the streets are empty"""),
    "unit": items("""minutes|hours|days|weeks|years|dollars|kilometers|meters|pages|people
        |degrees|seconds|grams|liters|tickets|students|miles|books"""),
    "short": items("minutes|seconds|hours"),
    "genre": items("jazz|rock|classical|piano|dance|folk|country|guitar"),
    "list": items("shopping|reading|packing|guest|task"),
    "clothes": items("""coat|shirt|dress|sweater|scarf|hat|skirt|jacket|pair of shoes
        |pair of gloves"""),
    "size": items("small|medium|large"),
    "ordinal": items("first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last"),
    "where": items("""on the left|on the right|upstairs|downstairs|near the window
        |next to the door|under the table|behind the house|in front of the hotel
        |across the street|around the corner|at the end of the hall|on the top shelf
        |in the middle"""),
    "how": items("""slowly|quickly|carefully|quietly|loudly|happily|easily|suddenly|gently
        |politely|together|alone"""),
    "verb": items("""walked|waited|worked|smiled|laughed|danced|slept|talked|played|ran|sang
        |stood|rested|traveled"""),
    "letter": items("B|C|D|E|F|G|H|J|K|L|M|N|O|P|Q|R|S|T|U|V|W|X|Y|Z"),
}

TEMPLATES: dict[str, tuple[str, ...]] = {
    "home": lines("""
        Turn on the {device} in the {room}.
        Turn off the {device} in the {room}.
        Please turn off the {device}.
        Switch on the {device} at {time}.
        Set the {device} in the {room} to {n} percent.
        Set the temperature to {n} degrees.
        Make the {room} a little warmer.
        Is the {device} in the {room} still on?
        Set a timer for {n} {short}.
        Set an alarm for {time} {future}.
        Wake me up at {time}.
        Add {food} and {food} to my {list} list.
        Remind me to {activity} at {time}.
        Remind me to {activity} {future}.
        Play some {genre} music in the {room}.
        Turn the volume up to {n}.
        Open the window in the {room}.
        Lock the front door, please.
        What is on my {list} list?
        Call {name} at {time}."""),
    "time": lines("""
        The meeting starts at {time}.
        The train to {city} leaves at {time}.
        We will arrive in {city} on {day} at {time}.
        It is {time} in {city}.
        My birthday is on {month} {nth}.
        The exam is on {day}, {month} {nth}.
        {name} was born in {year}.
        The house was built in {year}.
        See you on {day} at {time}.
        The shop opens at {time} and closes at {time}.
        Can we meet on {day} instead of {day}?
        The next lesson is on {month} {nth} at {time}.
        What time does the train to {city} leave?
        The flight from {city} to {city} takes {n} hours.
        I will be back in {n} {short}.
        The party is {future} at {time}."""),
    "number": lines("""
        The answer is {big}.
        The ticket costs {n} dollars.
        It is {big} kilometers from {city} to {city}.
        There are {n} {unit} left.
        We counted {big} people in the park.
        The price is {n} dollars and {n} cents.
        {sum}.
        {difference}.
        Turn to page {n}, please.
        The room number is {room_number}.
        The box weighs {n} grams.
        I need {n} {unit}.
        She won {big} dollars.
        The book has {big} pages.
        Chapter {n} begins on page {big}.
        The temperature is {n} degrees in {city}."""),
    "digits": lines("""
        {digits}.
        {digits}.
        {digits}.
        {digits}.
        My phone number is {digits_low}.
        The code is {digits_low}.
        Please dial {digits_low}.
        Your order number is {digits_low}."""),
    "spelled": lines("""
        The code is {letters}.
        It is spelled {letters}.
        My name is spelled {letters}.
        The gate is {letter} {n}.
        Take the bus number {n}.
        Section {letter}, row {n}, seat {n}.
        The password begins with {letters}.
        The flight number is {letters} {digits_low}."""),
    "shop": lines("""
        I would like {n} {food}, please.
        How much are the {food}?
        I would like a cup of {drink}.
        Can I have some {drink} with the {food}?
        We need {food}, {food} and {food}.
        Do you have this {clothes} in {color}?
        I am looking for a {color} {clothes}.
        This {clothes} is too {size} for me.
        {name} wants {drink} and {name} wants {drink}.
        For breakfast I eat {food} with {drink}.
        The {food} at {place} are very good.
        She ordered {food} and a glass of {drink}.
        Would you like some more {drink}?
        There is no {food} left in the {room}.
        He paid {n} dollars for the {thing}."""),
    "weather": lines("""
        It will be {weather} in {city} {future}.
        What will the weather be like in {city} {future}?
        It was {weather} and {weather} {past}.
        Take an umbrella, it is very {weather} {when}.
        The morning will be {weather}, and the evening will be {weather}.
        On {day} it will be {weather} with {n} degrees.
        I like {weather} days in {month}.
        Is it {weather} in {city} today?"""),
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
        What did you do {past}?"""),
    "story": lines("""
        {subject} {did} a {adj} {thing} {past}.
        {subject} {did} the {color} {thing} at {place}.
        {subject} {did} the {thing} because {fact}.
        {subject} {verb} {how} near {place}.
        {subject} {verb} {how} while {fact}.
        {subject} and {name} {verb} to {place} {past}.
        {subject} {did} {n} {adj} things at {place}.
        When {fact}, {subject_low} {verb} {how}.
        The {color} {thing} is {where}.
        The {adj} {thing} belongs to {name}.
        The {animal} and the {animal} are {where}.
        A {color} {animal} {verb} {how} across the road.
        {subject} saw a {adj} {animal} near {place}.
        {subject} was {feeling} because {fact}.
        I think that {present}, but {name} does not agree.
        {subject} said that {fact}.
        {subject} gave the {thing} to {person}.
        {subject} put the {thing} {where}.
        If {present}, we will {activity} {future}.
        {fact_cap}, and {fact}.
        {present_cap}, so we can {activity}."""),
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
        Can {person} {activity} {future}?"""),
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
        The {ordinal} door {where} is the {room}."""),
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
        Remember that the homework is due on {day}."""),
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
        You can save the captions as {fmt}."""),
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
        The {ordinal} {part} is connected to the {part}."""),
}
