"""The Spanish demo grammar: word lists and sentence templates, see ``training.grammar_en``."""

from __future__ import annotations

from training.wordlists import items, lines

LISTS: dict[str, tuple[str, ...]] = {
    "name": items("""Ana|Pedro|María|Juan|Lucía|Carlos|Elena|Diego|Carmen|Pablo|Rosa|Miguel
        |Isabel|Luis|Sofía|Antonio"""),
    "person": items("""mi hermana|mi hermano|el profesor|la vecina|el médico|mi amigo
        |la maestra|mi madre|su padre|el vecino|mi abuela|el conductor"""),
    "city": items("""Madrid|Barcelona|Sevilla|Lima|Bogotá|Valencia|Buenos Aires|Santiago
        |Granada|México|Quito|Bilbao"""),
    "room": items("""la cocina|el dormitorio|la sala|el baño|la oficina|el garaje|el jardín
        |el comedor"""),
    "device": items("la luz|la radio|el ventilador|la lámpara|el televisor|la alarma|el horno"),
    "place": items("""el mercado|la estación|el parque|la escuela|la playa|el museo
        |la biblioteca|el hospital|la plaza|el río|el teatro|la farmacia"""),
    "food": items("""pan|queso|arroz|sopa|pollo|pescado|manzanas|naranjas|tomates|patatas
        |huevos|ensalada|fresas|chocolate"""),
    "drink": items("café|té|agua|leche|zumo de naranja|limonada|agua fría"),
    "thing": items("""el libro|la mesa|la silla|la carta|el teléfono|la llave|el paraguas
        |la bicicleta|la guitarra|el reloj|la maleta|el periódico|el mapa|la ventana"""),
    "animal": items("el perro|el gato|el caballo|el pájaro|la vaca|el conejo|la oveja|el ratón"),
    "did": items("compró|encontró|perdió|vendió|pintó|abrió|limpió|olvidó|llevó|buscó"),
    "day": items("lunes|martes|miércoles|jueves|viernes|sábado|domingo"),
    "month": items("""enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre
        |noviembre|diciembre"""),
    "past": items("ayer|anoche|esta mañana|la semana pasada|el año pasado"),
    "future": items("hoy|mañana|esta noche|esta tarde|la próxima semana"),
    "weather": items("sol|frío|calor|viento|buen tiempo|mal tiempo"),
    "topic": items("""la historia|la música|la física|el arte|la medicina|el clima
        |la filosofía|la química|el lenguaje|la poesía|la voz humana|los océanos"""),
    "activity": items("""leer un libro|preparar la cena|dar un paseo|tocar el piano
        |ver una película|lavar los platos|llamar a mi madre|regar las plantas
        |escribir una carta|escuchar música|aprender inglés|tomar el tren"""),
    "ordinal": items("primera|segunda|tercera|cuarta|quinta|última"),
    "fact": items("""llovía mucho|la puerta estaba abierta|la tienda estaba cerrada
        |no había nadie|la música era bonita|el tren llegó tarde|el café estaba frío
        |hacía mucho calor|todos dormían"""),
    "unit": items("minutos|horas|días|semanas|años|euros|metros|páginas|personas|grados"),
    "feeling": items("feliz|triste|cansado|contento|nervioso|enfermo|listo|tranquilo"),
    "where": items("""a la derecha|a la izquierda|cerca de la ventana|detrás de la casa
        |al final de la calle|encima de la mesa|en el centro"""),
}

TEMPLATES: dict[str, tuple[str, ...]] = {
    "hogar": lines("""
        Enciende {device}, por favor.
        Apaga {device} a las {hour}.
        Pon la temperatura a {n} grados.
        Pon una alarma a las {hour}.
        Abre la ventana y cierra la puerta de {room}.
        ¿Está encendida {device}?
        Recuérdame {activity} {future}.
        Necesito {food} y {food}.
        Quiero {food} con {drink}, por favor.
        ¿Quieres {drink} o {drink}?"""),
    "tiempo": lines("""
        La reunión empieza a las {hour}.
        El tren a {city} sale a las {hour}.
        Mi cumpleaños es el {dom} de {month}.
        Nos vemos el {day} a las {hour}.
        El examen es el {day} {dom} de {month}.
        {future_cap} hace {weather} en {city}.
        ¿Qué tiempo hace en {city}?
        {past_cap} hizo {weather}.
        ¿A qué hora sale el tren a {city}?
        Faltan {n} {unit}."""),
    "charla": lines("""
        Hola, me llamo {name}.
        Buenos días, {name}.
        Buenas noches, ¿cómo estás?
        Estoy {feeling}, gracias.
        Soy de {city}, pero vivo en {city}.
        ¿Dónde está {thing}?
        ¿Dónde está {place}?
        Muchas gracias, {name}.
        ¿Puedes repetirlo, por favor?
        ¿Hablas español o inglés?
        Me gusta {activity} {future}.
        ¿Quién {did} {thing}?"""),
    "relato": lines("""
        {name} {did} {thing} {past}.
        {name} {did} {thing} en {place}.
        {person_cap} {did} {thing} porque {fact}.
        {person_cap} está {feeling} porque {fact}.
        {animal_cap} está {where}.
        {thing_cap} está {where}.
        {name} y {name} quieren {activity}.
        {past_cap} {name} {did} {thing}.
        Cuando {fact}, {name} {did} {thing}.
        {place_cap} está {where}."""),
    "clase": lines("""
        Bienvenidos a la {ordinal} clase sobre {topic}.
        Hoy vamos a hablar de {topic}.
        La {ordinal} pregunta es sobre {topic}.
        Abran el libro en la página {n}.
        Los subtítulos aparecen mientras {person} habla.
        Las palabras aparecen en la pantalla {future}.
        ¿Hay preguntas sobre {topic}?
        La clase dura {n} minutos.
        Tenemos {n} {unit}.
        {name} habla de {topic} y de {topic}."""),
    "números": lines("""
        {digits}.
        {digits}.
        Mi número de teléfono es {digits_low}.
        La respuesta es {big}.
        El libro cuesta {n} euros.
        Hay {big} personas en {place}.
        Vive en el número {n}."""),
}
