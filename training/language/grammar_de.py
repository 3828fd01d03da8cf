"""The German demo grammar: sentence templates, see ``training.grammar_en``."""

from __future__ import annotations

from training.language.wordlists import lines

TEMPLATES: dict[str, tuple[str, ...]] = {
    "haushalt": lines("""
        Mach bitte {device_acc} an.
        Mach {device_acc} {in_room} aus.
        Schalte {device_acc} um {time} ein.
        Schalte bitte {device_acc} aus.
        Ist {device_nom} {in_room} noch an?
        Stelle die Temperatur auf {n} Grad.
        Stelle einen Wecker auf {time}.
        Stelle einen Timer auf {n} {short}.
        Weck mich um {time}.
        Setze {food} und {food} auf die Einkaufsliste.
        Erinnere mich daran, {to_activity}.
        Mach die Musik lauter.
        Mach das Fenster auf und die Tür zu.
        Spiel Musik {in_room}.
        Ruf {name} um {time} an."""),
    "zeit": lines("""
        Die Sitzung beginnt um {time}.
        Der Zug nach {city} fährt um {time} ab.
        Wir kommen am {day} um {time} in {city} an.
        Mein Geburtstag ist am {nth} {month}.
        Die Prüfung ist am {day}, dem {nth} {month}.
        {name} wurde {year} geboren.
        Das Haus wurde {year} gebaut.
        Bis {day} um {time}.
        Der Laden öffnet um {time} und schließt um {time}.
        Können wir uns am {day} statt am {day} treffen?
        Wann fährt der Zug nach {city}?
        Der Flug von {city} nach {city} dauert {n} Stunden.
        Ich bin in {n} {short} zurück.
        Die Feier ist {future} um {time}.
        Heute ist {day}, der {nth_nom} {month}."""),
    "zahlen": lines("""
        {digits}.
        {digits}.
        {digits}.
        Meine Telefonnummer ist {phone}.
        Der Code ist {digits_low}.
        Die Antwort ist {big}.
        Die Karte kostet {n} Euro.
        Das macht {n} Euro {n}.
        Es sind {big} Kilometer von {city} nach {city}.
        Es bleiben noch {n} {unit}.
        Wir haben {big} Leute im Park gezählt.
        Schlagen Sie bitte Seite {n} auf.
        Sie hat {big} Euro gewonnen.
        Das Buch hat {big} Seiten.
        Kapitel {n} beginnt auf Seite {big}.
        Der Wert liegt bei {n} Komma {decimal_part} Prozent.
        Etwa {n} Prozent der Leute sind dafür."""),
    "buchstaben": lines("""
        Der Code ist {letters}.
        Das schreibt man {letters}.
        Mein Name wird {letters} geschrieben.
        Reihe {letter}, Platz {n}.
        Das Passwort beginnt mit {letters}.
        Die Flugnummer ist {letters} {digits_low}."""),
    "einkauf": lines("""
        Ich hätte gern {n} {plural}, bitte.
        Was kosten die {plural}?
        Ich möchte eine Tasse {drink}.
        Haben Sie {food} und {drink}?
        Wir brauchen {food}, {food} und {food}.
        {name} möchte {drink} und {name} möchte {drink}.
        Zum Frühstück esse ich {food} mit {drink}.
        Sie bestellte {food} und ein Glas {drink}.
        Möchten Sie noch etwas {drink}?
        Er hat {n} Euro für {thing_acc} bezahlt.
        Kann ich mit Karte zahlen?
        Wo finde ich {food} und {drink}?"""),
    "wetter": lines("""
        {future_cap} wird es in {city} {weather}.
        Wie wird das Wetter {future} in {city}?
        {past_cap} war es {weather} und {weather}.
        Der Morgen wird {weather} und der Abend {weather}.
        Am {day} wird es {weather} bei {n} Grad.
        Ist es heute in {city} {weather}?
        Nimm einen Regenschirm mit, es ist {weather}."""),
    "gespräch": lines("""
        Hallo, ich heiße {name}.
        Guten Morgen, {name}.
        Guten Abend, Frau {surname}.
        Guten Tag, Herr {surname}.
        Wie geht es dir, {name}?
        Ich bin {feeling}, danke.
        Freut mich, Sie kennenzulernen.
        Woher kommst du?
        Ich komme aus {city}, aber ich wohne in {city}.
        Bist du {feeling}?
        Vielen Dank, {name}.
        Wir sehen uns {future}.
        Was hältst du von {thing_dat}?
        Das weiß ich leider nicht.
        Können Sie das bitte wiederholen?
        Sprechen Sie Deutsch oder Englisch?
        {name_m} ist {job_m} in {city}.
        Ich möchte gern {job_m} werden.
        Meine Lieblingsfarbe ist {color}.
        Möchtest du mit mir {activity}?
        Ich wohne in der {street} {n}.
        Was hast du {past} gemacht?
        Gute Reise nach {city}."""),
    "kurz": lines("""
        Ja.
        Nein.
        Ja, gern.
        Nein, danke.
        Danke schön.
        Vielen Dank.
        Bitte.
        Guten Morgen zusammen.
        Auf Wiedersehen.
        Bis {future}.
        Bis {day}.
        Wie bitte?
        Genau.
        Einen Moment, bitte.
        Das stimmt.
        Keine Ahnung.
        Kein Problem.
        Alles klar.
        Natürlich.
        Vielleicht {future}.
        Danke, {name}.
        Ja, am {day}.
        Nein, erst um {time}.
        Um {time}."""),
    "geschichte": lines("""
        {name} hat {past} {thing_acc} {done}.
        {person_nom_cap} hat {thing_acc} {place_in} {done}.
        {name} hat {thing_acc} {done}, weil {fact}.
        {person_nom_cap} {verb} {how}, während {fact}.
        Als {fact}, {verb} {person_nom} {how}.
        {thing_nom_cap} ist {where}.
        {thing_nom_cap} ist {adj} und {color}.
        {thing_nom_cap} gehört {person_dat}.
        {animal_nom_cap} und {animal_nom} sind {where}.
        {name} hat {animal_acc} {place_in} gesehen.
        {person_nom_cap} war {feeling}, weil {fact}.
        {name} sagte, dass {fact}.
        {name} gab {person_dat} {thing_acc}.
        Ich glaube, {present}, aber {name} ist anderer Meinung.
        {present_cap}, also können wir {activity}.
        {name} und {name} wollen {future} {activity}."""),
    "frage": lines("""
        Wo ist {thing_nom}?
        Wer hat {thing_acc} {done}?
        Warum war {person_nom} so {feeling}?
        Wie komme ich {place_to}?
        Kannst du mir mit {thing_dat} helfen?
        Hat {name} {past} angerufen?
        Ist {place_nom} weit von hier?
        Wie viele {unit} haben wir noch?
        Hast du {thing_acc} gesehen?
        Wohnt {name} in {city} oder in {city}?
        Ist {thing_nom} {where}?
        Möchtest du {drink} oder {drink}?
        Kennst du {person_acc}?
        Kann {person_nom} {future} kommen?
        Welche Farbe hat {thing_nom}?"""),
    "wege": lines("""
        {place_nom_cap} ist {where}.
        Gehen Sie {n} Meter geradeaus und dann nach links.
        Biegen Sie nach {n} Metern rechts ab.
        Nehmen Sie die {ordinal_f} Straße links.
        Der Bus {place_to} hält {where}.
        Fahren Sie mit dem Zug von {city} nach {city}.
        Bis {place_to} brauchen Sie {n} {short}.
        Die {ordinal_f} Tür führt {place_to}.
        Die {street} ist {where}."""),
    "unterricht": lines("""
        Willkommen zur {ordinal_dat} Vorlesung über {topic}.
        Heute sprechen wir über {topic} und {topic}.
        Im {ordinal_dat} Kapitel ging es um {topic}.
        Die {ordinal_f} Frage betrifft {topic}.
        Bitte öffnen Sie das Buch auf Seite {n}.
        Beginnen wir mit einem Beispiel.
        Dieses Bild zeigt den {ordinal_dat} Teil des Versuchs.
        Als Nächstes spricht {name} aus {city} über {topic}.
        Gibt es Fragen zum Thema {topic}?
        Mehr über {topic} steht auf Seite {n}.
        Die Vorlesung dauert {n} Minuten.
        Die Studenten stellten {n} Fragen.
        Die meisten Leute wissen wenig über {topic}.
        Die Hausaufgaben sind bis {day} fällig.
        Fassen wir kurz zusammen, was wir über {topic} wissen.
        Wie Sie auf dieser Folie sehen, steigt der Wert um {n} Prozent."""),
    "besprechung": lines("""
        Also, fangen wir an.
        Können mich alle hören?
        {name}, du bist noch stumm geschaltet.
        Der nächste Punkt auf der Liste ist {topic}.
        Wer schreibt heute das Protokoll?
        Wir treffen uns {future} wieder.
        Ich schicke die Unterlagen {future}.
        {name} übernimmt {part_acc}.
        Wir haben noch {n} Minuten.
        Gibt es noch Fragen dazu?
        Vielen Dank für Ihre Aufmerksamkeit.
        Meine Damen und Herren, willkommen in {city}.
        Achtung, der Zug nach {city} hat {n} Minuten Verspätung.
        Wir bitten um Ihr Verständnis.
        Was denken Sie darüber, Frau {surname}?
        Da bin ich ganz Ihrer Meinung, Herr {surname}."""),
    "untertitel": lines("""
        Die Untertitel erscheinen, während {person_nom} spricht.
        Die Untertitel helfen Menschen, die nicht gut hören.
        Jedes Wort erscheint {n} {short}, nachdem es gesprochen wurde.
        Schalten Sie bitte die Untertitel ein.
        Sprechen Sie {speaks} und sehen Sie den Text.
        Die Wörter auf dem Bildschirm folgen der Stimme.
        {name} liest die Untertitel {place_in}.
        Das ist ein Test der Untertitel {in_room}.
        Nichts verlässt diesen Computer.
        Das Transkript der {ordinal_dat} Sitzung ist fertig.
        Sie können die Untertitel als {format} speichern."""),
    "technik": lines("""
        {part_nom_cap} ist {state}.
        {part_nom_cap} ist {state} und {part_nom} ist {state}.
        Starte {part_acc} neu, wenn {part_nom} {state} ist.
        {part_nom_cap} antwortet nach {n} Sekunden.
        Öffne {part_acc} und prüfe {part_acc}.
        Warum ist {part_nom} so {state}?
        Ist {part_nom} {state} oder {state}?
        Der Puffer enthält {n} Sekunden Ton.
        Beende die Aufnahme nach {n} {short}.
        Der Browser sendet den Ton an den Server.
        Die Verzögerung beträgt {n} Millisekunden.
        {part_nom_cap} ist mit {part_dat} verbunden.
        Das Modell schreibt den Text Wort für Wort.
        Der vorläufige Text wird später endgültig.
        Wir haben {n} Sekunden auf {n} Computern gemessen."""),
}
