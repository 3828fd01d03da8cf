"""The word lists of the German grammar, see ``training.grammar_de``.

Nouns stand in the lists with the article of the case that a template needs: ``*_nom`` after a
verb like "ist" or as the subject, ``*_acc`` as a direct object, ``*_dat`` after "mit" or "von".
"""

from __future__ import annotations

from training.language.wordlists import items

LISTS: dict[str, tuple[str, ...]] = {
    "name": items("""Anna|Peter|Maria|Jonas|Lena|Thomas|Julia|Felix|Sophie|Martin|Klara|Paul
        |Ingrid|Stefan|Katrin|Moritz|Hannah|Jürgen|Elke|Lukas"""),
    "surname": items("""Müller|Schmidt|Schneider|Fischer|Weber|Meyer|Wagner|Becker|Schulz
        |Hoffmann|Koch|Richter|Klein|Wolf|Schröder|Neumann|Krüger|Zimmermann"""),
    "person_nom": items("""meine Schwester|mein Bruder|der Lehrer|die Nachbarin|die Ärztin
        |mein Freund|der Fahrer|ihre Mutter|sein Vater|die Studentin|der Chef|meine Oma
        |der alte Mann|die junge Frau|der Redner|das Kind"""),
    "person_acc": items("""meine Schwester|meinen Bruder|den Lehrer|die Nachbarin|die Ärztin
        |meinen Freund|den Fahrer|ihre Mutter|seinen Vater|die Studentin|den Chef|das Kind"""),
    "person_dat": items("""meiner Schwester|meinem Bruder|dem Lehrer|der Nachbarin|der Ärztin
        |meinem Freund|dem Fahrer|ihrer Mutter|seinem Vater|der Studentin|dem Chef|dem Kind"""),
    "city": items("""Berlin|Hamburg|München|Köln|Wien|Zürich|Leipzig|Dresden|Frankfurt|Bremen
        |Stuttgart|Salzburg|Hannover|Nürnberg|Basel|Graz|Rostock|Kassel"""),
    "in_room": items("""in der Küche|im Schlafzimmer|im Wohnzimmer|im Bad|im Büro|in der Garage
        |im Flur|im Keller|im Garten|in der Bibliothek|auf dem Dachboden|im Esszimmer"""),
    "name_m": items("Peter|Jonas|Thomas|Felix|Martin|Paul|Stefan|Moritz|Jürgen|Lukas"),
    "device_acc": items("""das Licht|die Lampe|die Heizung|den Ventilator|das Radio
        |den Fernseher|den Ofen|den Drucker|die Kaffeemaschine|die Kamera|die Spülmaschine"""),
    "device_nom": items("""das Licht|die Lampe|die Heizung|der Ventilator|das Radio
        |der Fernseher|der Ofen|der Drucker|die Kaffeemaschine|die Kamera|die Spülmaschine"""),
    "place_nom": items("""der Markt|der Bahnhof|der Park|die Schule|das Museum|der Flughafen
        |das Krankenhaus|die Bäckerei|die Bank|das Theater|die alte Brücke|die Bibliothek
        |das Rathaus|der Hafen|die Apotheke|der See"""),
    "place_to": items("""zum Markt|zum Bahnhof|zum Park|zur Schule|zum Museum|zum Flughafen
        |zum Krankenhaus|zur Bäckerei|zur Bank|zum Theater|zur alten Brücke|zur Bibliothek
        |zum Rathaus|zum Hafen|zur Apotheke|zum See"""),
    "place_in": items("""auf dem Markt|am Bahnhof|im Park|in der Schule|im Museum|am Flughafen
        |im Krankenhaus|in der Bäckerei|im Theater|auf der alten Brücke|in der Bibliothek
        |im Rathaus|am Hafen|am See"""),
    "food": items("""Brot|Käse|Reis|Suppe|Salat|Fisch|Nudeln|Äpfel|Bananen|Tomaten|Kartoffeln
        |Eier|Butter|Zwiebeln|Möhren|Erdbeeren|Honig|Schokolade|Kuchen"""),
    "plural": items("""Äpfel|Bananen|Tomaten|Kartoffeln|Eier|Zwiebeln|Möhren|Erdbeeren|Brötchen
        |Birnen|Gurken|Zitronen"""),
    "drink": items("""Kaffee|Tee|Wasser|Milch|Orangensaft|Limonade|Apfelsaft|Kakao
        |Mineralwasser"""),
    "animal_nom": items("""der Hund|die Katze|das Pferd|der Vogel|das Kaninchen|das Schaf|die Kuh
        |die Ente|die Maus|der Löwe|der Elefant|der Affe|der Bär|die Eule"""),
    "animal_acc": items("""den Hund|die Katze|das Pferd|den Vogel|das Kaninchen|das Schaf|die Kuh
        |die Ente|die Maus|den Löwen|den Elefanten|den Affen|den Bären|die Eule"""),
    "color": items("rot|blau|grün|gelb|schwarz|weiß|braun|orange|grau|rosa|silbern"),
    "thing_nom": items("""das Buch|der Tisch|der Stuhl|die Tasche|die Flasche|der Brief|das Bild
        |das Telefon|der Schlüssel|der Regenschirm|die Jacke|das Fahrrad|die Gitarre|der Hut
        |die Uhr|der Spiegel|der Korb|die Leiter|die Zeitung|die Karte|das Fenster
        |der Koffer|das Heft|der Teppich|die Kerze"""),
    "thing_acc": items("""das Buch|den Tisch|den Stuhl|die Tasche|die Flasche|den Brief|das Bild
        |das Telefon|den Schlüssel|den Regenschirm|die Jacke|das Fahrrad|die Gitarre|den Hut
        |die Uhr|den Spiegel|den Korb|die Leiter|die Zeitung|die Karte|das Fenster
        |den Koffer|das Heft|den Teppich|die Kerze"""),
    "thing_dat": items("""dem Buch|dem Tisch|dem Stuhl|der Tasche|der Flasche|dem Brief|dem Bild
        |dem Telefon|dem Schlüssel|dem Regenschirm|der Jacke|dem Fahrrad|der Gitarre|dem Hut
        |der Uhr|dem Spiegel|dem Korb|der Leiter|der Zeitung|der Karte|dem Koffer|dem Heft"""),
    "adj": items("""klein|groß|neu|alt|schwer|leicht|schön|kaputt|teuer|billig|seltsam|sauber
        |schmutzig|leer|lang|rund|weich|einfach|berühmt|nützlich"""),
    "done": items("""gekauft|gefunden|verloren|verkauft|gesucht|vergessen|gebracht|bezahlt
        |gesehen|geholt|bemerkt|versteckt"""),
    "feeling": items("""glücklich|müde|hungrig|durstig|nervös|stolz|traurig|überrascht
        |beschäftigt|bereit|ruhig|aufgeregt|zufrieden|krank"""),
    "day": items("Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag"),
    "month": items("""Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November
        |Dezember"""),
    "past": items("""gestern|heute Morgen|letzte Woche|gestern Abend|vor zwei Tagen
        |letzten Sommer|nach dem Mittagessen|am Nachmittag|vor einem Jahr"""),
    "future": items("""heute|morgen|heute Abend|nächste Woche|nächsten Monat|am Wochenende
        |nach dem Mittagessen|am Nachmittag|bald|übermorgen"""),
    "weather": items("""sonnig|bewölkt|regnerisch|windig|neblig|kalt|warm|heiß|trocken|stürmisch
        |kühl"""),
    "topic": items("""Geschichte|Musik|Physik|Biologie|Kunst|Mathematik|Medizin|Geografie
        |Wirtschaft|Chemie|Philosophie|Technik|Klimawandel|künstliche Intelligenz
        |maschinelles Lernen|Spracherkennung|Astronomie|Sprache|Literatur"""),
    "job_m": items("""Lehrer|Arzt|Ingenieur|Anwalt|Bauer|Fahrer|Maler|Koch|Pilot|Sänger|Bäcker
        |Tischler|Schriftsteller"""),
    "part_nom": items("""der Server|der Client|der Decoder|der Encoder|das Mikrofon|der Puffer
        |das Modell|der Browser|das Netzwerk|die Sitzung|die Verbindung|das Transkript
        |die Warteschlange|der Lautsprecher|das Fenster|der Datenstrom|der Speicher
        |die Aufnahme"""),
    "part_acc": items("""den Server|den Client|den Decoder|den Encoder|das Mikrofon|den Puffer
        |das Modell|den Browser|das Netzwerk|die Sitzung|die Verbindung|das Transkript
        |die Warteschlange|den Lautsprecher|das Fenster|den Datenstrom|die Aufnahme"""),
    "part_dat": items("""dem Server|dem Client|dem Decoder|dem Encoder|dem Mikrofon|dem Modell
        |dem Browser|dem Netzwerk|der Verbindung|dem Transkript|dem Lautsprecher"""),
    "state": items("""bereit|beschäftigt|geschlossen|offen|voll|leer|langsam|schnell|stabil
        |aktiv|fertig|kaputt|still"""),
    "activity": items("""ein Buch lesen|kochen|spazieren gehen|Klavier spielen|einen Film sehen
        |das Geschirr spülen|meine Mutter besuchen|die Blumen gießen|die Katze füttern
        |einen Brief schreiben|die Küche putzen|Fahrrad fahren|Musik hören|Schach spielen
        |einen Freund besuchen|Deutsch lernen|Tee trinken|ins Bett gehen|den Zug nehmen"""),
    "to_activity": items("""ein Buch zu lesen|zu kochen|spazieren zu gehen|Klavier zu spielen
        |das Geschirr zu spülen|die Blumen zu gießen|die Katze zu füttern
        |einen Brief zu schreiben|die Küche zu putzen|Musik zu hören|Deutsch zu lernen"""),
    "fact": items("""der Bus zu spät kam|es regnete|die Tür offen war|der Laden geschlossen war
        |niemand da war|die Musik laut war|die Straße leer war|der Zug voll war
        |der Kaffee kalt war|die Sonne schien|das Licht aus war|alle schliefen
        |der Schnee hoch lag|das Telefon klingelte|das Wasser warm war|der Garten ruhig war"""),
    "present": items("""das Wetter ist schön|der Laden ist offen|die Suppe ist heiß
        |das Kind schläft|die Arbeit ist fertig|die Antwort ist einfach|das Auto ist kaputt
        |das Essen ist fertig|die Tür ist zu|der Bus ist da|die Prüfung ist vorbei
        |die Blumen sind schön|die Straßen sind leer"""),
    "unit": items("""Minuten|Stunden|Tage|Wochen|Jahre|Euro|Kilometer|Meter|Seiten|Personen
        |Grad|Sekunden|Gramm|Liter|Karten|Bücher|Prozent"""),
    "short": items("Minuten|Sekunden|Stunden"),
    "ordinal_f": items("erste|zweite|dritte|vierte|fünfte|sechste|siebte|achte|letzte|nächste"),
    "ordinal_dat": items("ersten|zweiten|dritten|vierten|fünften|sechsten|letzten|nächsten"),
    "where": items("""links|rechts|oben|unten|neben dem Fenster|neben der Tür|unter dem Tisch
        |hinter dem Haus|vor dem Hotel|auf der anderen Straßenseite|um die Ecke
        |am Ende des Flurs|auf dem Regal|in der Mitte"""),
    "how": items("""langsam|schnell|vorsichtig|leise|laut|fröhlich|ruhig|deutlich|allein
        |gemeinsam"""),
    "speaks": items("langsam|schnell|vorsichtig|leise|laut|deutlich|ruhig"),
    "verb": items("wartete|arbeitete|lächelte|lachte|tanzte|schlief|redete|spielte|sang|kochte"),
    "format": items("""Text|Untertitel|Tabelle|Webseite|Tondatei|Zusammenfassung"""),
    "street": items("""Hauptstraße|Bahnhofstraße|Gartenstraße|Schulstraße|Lindenstraße|Bergstraße
        |Goethestraße|Parkstraße|Kirchstraße"""),
}
