"""The word lists of the English grammar, see ``training.grammar_en``."""

from __future__ import annotations

from training.language.wordlists import items

LISTS: dict[str, tuple[str, ...]] = {
    "name": items("""Anna|Peter|Maria|John|Sarah|David|Emma|Daniel|Laura|Michael|Julia|Thomas
        |Nina|Robert|Alice|Simon|Clara|Martin|Sofia|Oliver|Helen|Jack|Lucy|George|Karen|Paul
        |Rosa|Victor|Irene|Leo|Grace|Henry|Rachel|Samuel|Olivia|Benjamin|Hannah|Andrew
        |Charlotte|Edward|Diana|Patrick|Susan|Adam|Elizabeth|Marcus|Fatima|Ahmed|Priya|Chen
        |Yuki|Ivan|Olga|Kevin|Monica|Philip|Rebecca|Steven|Amelia|Eric|Isabel|Walter"""),
    "person": items("""my sister|my brother|the teacher|our neighbor|the doctor|my friend
        |the driver|her mother|his father|the student|the manager|the nurse|a farmer|the pilot
        |the speaker|the baker|my uncle|the old man|the young woman|a tall boy"""),
    "city": items("""London|Paris|Berlin|Madrid|Rome|Boston|Chicago|Dublin|Toronto|Sydney
        |Vienna|Oslo|Lisbon|Denver|Seattle|Tokyo|Prague|Athens|Amsterdam|Barcelona|Brussels
        |Cairo|Copenhagen|Delhi|Edinburgh|Geneva|Hamburg|Helsinki|Istanbul|Lima|Manchester
        |Melbourne|Milan|Montreal|Moscow|Munich|Nairobi|New York|Philadelphia|San Francisco
        |Singapore|Stockholm|Warsaw|Zurich"""),
    "room": items("""kitchen|bedroom|living room|bathroom|office|garage|hallway|basement
        |dining room|garden|library|attic"""),
    "device": items("""lights|lamp|heater|fan|radio|television|speaker|oven|alarm
        |air conditioner|printer|coffee machine|camera|dishwasher"""),
    "place": items("""the market|the station|the park|the school|the beach|the museum
        |the airport|the hospital|the bakery|the bank|the theater|the river|the old bridge
        |the train station|the library|the village|the harbor|the forest|the lake"""),
    "food": items("""bread|cheese|rice|soup|salad|chicken|fish|pasta|apples|bananas|oranges
        |tomatoes|potatoes|eggs|butter|onions|carrots|strawberries|honey|chocolate|pancakes
        |peas|beans|lettuce|mushrooms|grapes|lemons|pears|cookies|noodles|yogurt|ham|cucumbers
        |pepper|garlic"""),
    "mass": items("""bread|cheese|rice|soup|salad|chicken|fish|pasta|butter|honey|chocolate
        |lettuce|yogurt|ham|pepper|garlic"""),
    "plural": items("""apples|bananas|oranges|tomatoes|potatoes|eggs|onions|carrots
        |strawberries|pancakes|peas|beans|mushrooms|grapes|lemons|pears|cookies|noodles
        |cucumbers"""),
    "drink": items("""coffee|tea|water|milk|orange juice|lemonade|hot chocolate|apple juice
        |green tea|black coffee"""),
    "animal": items("""dog|cat|horse|bird|rabbit|sheep|cow|duck|goat|mouse|lion|elephant
        |monkey|turtle|wolf|bear|owl|whale|ape|eagle|pig|goose|fox|frog|snake|tiger|zebra|ant
        |bee|spider|squirrel|dolphin|penguin"""),
    "color": items("red|blue|green|yellow|black|white|brown|orange|purple|gray|pink|silver"),
    "thing": items("""book|table|chair|bag|bottle|box|letter|picture|phone|key|umbrella|jacket
        |bicycle|guitar|hat|clock|mirror|basket|blanket|ladder|newspaper|map|ticket|window
        |computer|notebook|candle|piano|suitcase|carpet|camera|pencil|envelope|lamp|orange
        |apple|egg|spoon|pillow|radio|hammer|needle|carton|engine|island|oven|uniform|used car
        |ring|shelf|towel|violin|wallet"""),
    "adj": items("""small|large|new|old|heavy|light|beautiful|broken|wooden|expensive|cheap
        |strange|clean|dirty|empty|long|round|soft|simple|famous|ugly|interesting|ordinary
        |unusual|useful|tiny|huge|modern|ancient|bright|dark|thin|thick|sharp|flat|narrow|wide
        |warm"""),
    "did": items("""bought|found|lost|sold|painted|moved|carried|forgot|fixed|cleaned|wanted
        |noticed|borrowed|opened|dropped|hid|brought|remembered|washed|repaired|used|cut|threw
        |chose|described|measured|ordered|returned|delivered|photographed"""),
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
    "topic": items("""history|music|physics|biology|art|language|mathematics|medicine
        |geography|economics|chemistry|astronomy|philosophy|engineering|poetry|climate
        |the brain|the human voice|artificial intelligence|world trade|machine learning
        |speech recognition|public health|the oceans|democracy|energy|the weather
        |computer science|psychology|the history of Europe|modern art|statistics
        |signal processing|neural networks|renewable energy|the solar system|education|grammar
        |sleep|nutrition|evolution|architecture|privacy|live captions|photography"""),
    "job": items("""teacher|doctor|engineer|lawyer|farmer|driver|writer|painter|nurse|cook
        |pilot|singer|scientist|carpenter|baker|dancer|actor|artist|architect|electrician
        |journalist|librarian|mechanic|student|translator|gardener|police officer|programmer
        |waiter|editor"""),
    "part": items("""server|client|decoder|encoder|microphone|recorder|buffer|model|browser
        |network|session|connection|transcript|queue|speaker|window|stream|token|worker|cache
        |keyboard|display|driver|scheduler|web page|tokenizer|audio stream|log file|database
        |cable|battery|socket|segment|prefix|feature extractor|graphics card|sound card|demo
        |script|package|thread|process"""),
    "state": items("""ready|busy|closed|open|full|empty|slow|fast|idle|stable|offline|active
        |finished|broken|quiet"""),
    "fmt": items("""text|audio|plain text|a subtitle file|a sound file|a short summary
        |a table|a web page"""),
    "doing": items("""reading|cooking|swimming|painting|singing|dancing|running|writing
        |sleeping|working|walking|drawing|fishing|shopping|gardening|driving|traveling"""),
    "activity": items("""read a book|cook dinner|go for a walk|play the piano|watch a movie
        |wash the dishes|call my mother|water the plants|feed the cat|write a letter
        |clean the kitchen|take a nap|ride a bicycle|listen to music|play chess|visit a friend
        |learn a language|drink some tea|go to bed|take the train|make a phone call
        |go swimming|bake a cake|fix the car|do the laundry|buy some bread|check the weather
        |read the news|paint the fence|go to the gym|learn to dance|take a picture
        |write a report|open a bank account"""),
    "fact": items("""the bus was late|it was raining|the door was open|the shop was closed
        |nobody was there|the music was loud|the road was empty|the train was full
        |the coffee was cold|the sun was shining|the river was high|the lights were off
        |the meeting was long|the price was fair|everyone was asleep|the snow was deep
        |the phone was ringing|the water was warm|the story was true|the garden was quiet
        |the lights went out|the microphone was off|dinner was ready|the answer was wrong
        |the road was closed|the battery was empty|the wind was strong|it was getting dark
        |the children were playing|the program crashed"""),
    "present": items("""the weather is nice|the store is open|the soup is hot
        |the baby is asleep|the work is done|the answer is simple|the car is broken
        |dinner is ready|the door is locked|the water is clean|the bus is here
        |the room is quiet|the test is over|the flowers are beautiful|the streets are empty
        |the meeting is over|the idea is new|it is too late|the captions are on
        |the connection is slow|the price is too high|nobody is listening|the plan works
        |the river is frozen|time is short"""),
    "unit": items("""minutes|hours|days|weeks|years|dollars|kilometers|meters|pages|people
        |degrees|seconds|grams|liters|tickets|students|miles|books"""),
    "short": items("minutes|seconds|hours"),
    "genre": items("jazz|rock|classical|piano|dance|folk|country|guitar"),
    "list": items("shopping|reading|packing|guest|task"),
    "clothes": items("""coat|shirt|dress|sweater|scarf|hat|skirt|jacket|pair of shoes
        |pair of gloves"""),
    "size": items("small|large|wide|tight|long|short"),
    "ordinal": items("first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|last"),
    "where": items("""on the left|on the right|upstairs|downstairs|near the window
        |next to the door|under the table|behind the house|in front of the hotel
        |across the street|around the corner|at the end of the hall|on the top shelf
        |in the middle"""),
    "how": items("""slowly|quickly|carefully|quietly|loudly|happily|easily|suddenly|gently
        |politely|together|alone"""),
    "verb": items("""walked|waited|worked|smiled|laughed|danced|slept|talked|played|ran|sang
        |stood|rested|traveled|whistled|waved|listened|nodded|coughed|paused|stayed|swam
        |climbed|whispered"""),
    "heat": items("cold|warm|hot|dark|bright|loud|quiet"),
    "family": items("sister|brother|mother|father|daughter|son|aunt|uncle|cousin|grandmother"),
    "street": items("""Main|High|Park|Oak|Church|Mill|King|Station|Bridge|Garden|Hill|River|Market
        |Maple|Lincoln|Queen"""),
    "went": items("walked|traveled|ran|went|drove|hurried|rode|moved"),
}
