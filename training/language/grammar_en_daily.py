"""English templates of home, shop, times and numbers, see ``training.grammar_en``."""

from __future__ import annotations

from training.language.wordlists import lines

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
        Call {name} at {time}.
        Turn off everything in the {room}.
        Turn the {device} down a little.
        It is too {heat} in the {room}.
        Is the front door locked?
        Read me the {list} list.
        Start the {device} in {n} {short}.
        Stop the timer.
        Dim the lights in the {room} to {n} percent.
        How long until the {device} is done?"""),
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
        The party is {future} at {time}.
        It is exactly {time}.
        Today is {day}, the {nth} of {month}.
        The office is open from {time} until {time}.
        We have been here since {time}.
        I will call you back in about {n} {short}.
        The deadline is {day} at {time}.
        That was in {month} of {year}.
        Between {year} and {year} nothing changed.
        What is the date today?
        Every {day} at {time} we have a short meeting.
        The second half begins in {n} {short}."""),
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
        The temperature is {n} degrees in {city}.
        About {n} percent of the people said yes.
        The price went up by {n} percent.
        That is {n} point {decimal_part} percent.
        It costs {n} dollars and {n} cents per month.
        The total is {big} dollars.
        The value fell from {n} to {n} point {decimal_part}.
        More than {big} people live in {city} today.
        Between {n} and {n} {unit} were lost.
        Two thirds of the {unit} are gone.
        The distance is {n} point {decimal_part} kilometers.
        Nearly half of the {big} people voted.
        She is {n} years old and he is {n}.
        The score is {n} to {n}.
        Row {n}, seat {n}.
        We sold {big} tickets in {month}."""),
    "digits": lines("""
        {digits}.
        {digits}.
        {digits}.
        {digits}.
        My phone number is {digits_low}.
        The code is {digits_low}.
        Please dial {digits_low}.
        Your order number is {digits_low}.
        You can reach me at {phone}.
        The number is {phone}.
        My number is {phone}.
        Let me repeat that, {digits_low}.
        The reference number is {digits_low}.
        The postal code of {city} is {digits_low}."""),
    "spelled": lines("""
        The code is {letters}.
        It is spelled {letters}.
        My name is spelled {letters}.
        The gate is {letter} {n}.
        Take the bus number {n}.
        Section {letter}, row {n}, seat {n}.
        The password begins with {letters}.
        The flight number is {letters} {digits_low}.
        That is spelled {letters}.
        My license plate is {letters} {digits_low}.
        {name}, that is spelled {letters}.
        Room {letter} {n} is {where}.
        The abbreviation is {letters}.
        Please answer question {n}, part {letter}.
        Option {letter} is better than option {letter}."""),
    "shop": lines("""
        I would like {n} {plural}, please.
        How much are the {plural}?
        I would like a cup of {drink}.
        Can I have some {drink} with the {food}?
        We need {food}, {food} and {food}.
        Do you have this {clothes} in {color}?
        I am looking for a {color} {clothes}.
        This {clothes} is too {size} for me.
        {name} wants {drink} and {name} wants {drink}.
        For breakfast I eat {food} with {drink}.
        The {plural} at {place} are very good.
        She ordered {food} and a glass of {drink}.
        Would you like some more {drink}?
        There is no {mass} left in the {room}.
        There are no {plural} left in the {room}.
        He paid {n} dollars for the {thing}.
        That will be {n} dollars and {n} cents, please.
        Can I pay by card?
        Do you have a {adj} {thing}?
        I will take the {color} one.
        Keep the change.
        Is there a discount on the {food}?
        Where can I find the {food}?
        The bill, please.
        Could we have a table for {n}?
        A cup of {drink} costs {n} dollars.
        I am just looking, thank you."""),
    "weather": lines("""
        It will be {weather} in {city} {future}.
        What will the weather be like in {city} {future}?
        It was {weather} and {weather} {past}.
        Take an umbrella, it is very {weather} {when}.
        The morning will be {weather}, and the evening will be {weather}.
        On {day} it will be {weather} with {n} degrees.
        I like {weather} days in {month}.
        Is it {weather} in {city} today?
        The forecast says it will be {weather} on {day}.
        There is a {n} percent chance of rain in {city}.
        The temperature in {city} is {n} degrees.
        It has been {weather} all week.
        The wind is coming from the north."""),
}
