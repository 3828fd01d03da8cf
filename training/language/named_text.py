"""Sentences around invented names: templates, and which of the words are names.

``{invented}`` is one invented name; the other slots are those of the language's grammar.
"""

from __future__ import annotations

import random

from training.language import names
from training.language.grammar import GRAMMARS
from training.language.wordlists import lines

_MARK = "\N{WORD JOINER}"
"""Stands in front of an invented name until the sentence is complete."""

TEMPLATES: dict[str, tuple[str, ...]] = {
    "English": lines("""
        Please welcome {invented} {invented}.
        I spoke with {invented} from {invented} {past}.
        My name is {invented}.
        My name is {invented} {invented}.
        Hello, {invented}, how are you?
        Our next speaker is {invented} {invented} from {city}.
        Today we will hear from {invented} {invented} about {topic}.
        {invented} {invented} is a {job} in {invented}.
        {invented} {did} the {adj} {thing} {past}.
        {invented} and {invented} live in {city}.
        The train to {invented} leaves at {time}.
        We drove from {invented} to {invented}.
        Have you ever been to {invented}?
        The village of {invented} is {n} miles from {city}.
        The new {invented} is ready.
        The {invented} sends audio to the {part}.
        We tested {invented} on {n} computers.
        {invented} is a product of {invented}.
        Did you call {invented} or {invented}?
        Could you ask {invented} to {activity}?
        Thank you, {invented}.
        Good morning, {invented} and {invented}.
        {invented} works for {invented} in {city}.
        Doctor {invented} will see you {future}.
        Professor {invented} teaches {topic} in {invented}.
        The river {invented} flows past {invented}.
        Call {invented} at {time}.
        Send the report to {invented} {invented}.
        Is {invented} in the meeting?
        {invented} said that {fact}.
        I think {invented} is right.
        The town is called {invented}.
        You can install {invented} in {n} {short}.
        The company {invented} sold {big} computers.
        Next we have a question from {invented}.
        {name} and {invented} met in {invented} {past}.
        The lecture by {invented} {invented} begins at {time}.
        Who is {invented} {invented}?
        The medicine is called {invented}.
        {invented}, {invented} and {invented} are {feeling}."""),
    "Spanish": lines("""
        Me llamo {invented}.
        Me llamo {invented} {invented}.
        Buenos días, {invented}.
        Hola, {invented}, ¿cómo estás?
        {invented} y {invented} viven en {city}.
        Hablé con {invented} {invented} {past}.
        El tren a {invented} sale a las {hour}.
        ¿Conoces a {invented}?
        ¿Has estado en {invented}?
        {invented} {did} {thing} {past}.
        La empresa {invented} está en {city}.
        El doctor {invented} llega {future}.
        La profesora {invented} habla de {topic}.
        Damos la bienvenida a {invented} {invented}.
        El pueblo se llama {invented}.
        Llama a {invented} a las {hour}.
        Gracias, {invented}.
        {invented} trabaja para {invented}.
        {name} y {invented} quieren {activity}.
        El programa se llama {invented}.
        Vamos de {invented} a {invented}.
        ¿Quién es {invented} {invented}?"""),
    "German": lines("""
        Ich heiße {invented}.
        Mein Name ist {invented} {invented}.
        Guten Morgen, {invented}.
        Hallo, {invented}, wie geht es dir?
        {invented} und {invented} wohnen in {city}.
        Ich habe gestern mit {invented} {invented} gesprochen.
        Der Zug nach {invented} fährt um {time} ab.
        Kennst du {invented}?
        Warst du schon einmal in {invented}?
        Die Firma {invented} hat ihren Sitz in {city}.
        Herr {invented} kommt {future}.
        Frau {invented} spricht über {topic}.
        Wir begrüßen {invented} {invented} aus {city}.
        Das Dorf heißt {invented}.
        Bitte ruf {invented} um {time} an.
        Danke, {invented}.
        {invented} arbeitet bei {invented}.
        {name} und {invented} wollen {activity}.
        Das Programm heißt {invented}.
        Wir fahren von {invented} nach {invented}.
        Wer ist {invented} {invented}?
        Professor {invented} hält den Vortrag am {day}."""),
}


def draw(rng: random.Random, language: str, *, test: bool) -> tuple[str, tuple[int, ...]]:
    """A sentence, and the indices of the white-space separated words that are invented names."""
    template = rng.choice(TEMPLATES[language])
    while "{invented}" in template:
        name = names.invent(rng, test=test, language=language)
        template = template.replace("{invented}", _MARK + name, 1)
    words = GRAMMARS[language].fill(template, rng).split()
    indices = tuple(i for i, word in enumerate(words) if word.startswith(_MARK))
    return " ".join(words).replace(_MARK, ""), indices
