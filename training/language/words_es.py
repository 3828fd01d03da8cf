"""The word lists of the Spanish grammar, see ``training.grammar_es``."""

from __future__ import annotations

from training.language.wordlists import items

LISTS: dict[str, tuple[str, ...]] = {
    "name": items("""Ana|Pedro|María|Juan|Lucía|Carlos|Elena|Diego|Carmen|Pablo|Rosa|Miguel
        |Isabel|Luis|Sofía|Antonio|Javier|Marta|Manuel|Laura|Andrés|Teresa|Raquel|Fernando
        |Beatriz|Ignacio"""),
    "person": items("""mi hermana|mi hermano|el profesor|la vecina|el médico|mi amigo
        |la maestra|mi madre|su padre|el vecino|mi abuela|el conductor|el ingeniero
        |la enfermera|mi tía|la directora|el camarero|la profesora"""),
    "city": items("""Madrid|Barcelona|Sevilla|Lima|Bogotá|Valencia|Buenos Aires|Santiago
        |Granada|México|Quito|Bilbao|Córdoba|Zaragoza|Málaga|Toledo|Montevideo|Caracas
        |La Habana|Cartagena|Salamanca|Murcia"""),
    "room": items("""la cocina|el dormitorio|la sala|el baño|la oficina|el garaje|el jardín
        |el comedor"""),
    "device": items("la luz|la radio|el ventilador|la lámpara|el televisor|la alarma|el horno"),
    "place": items("""el mercado|la estación|el parque|la escuela|la playa|el museo
        |la biblioteca|el hospital|la plaza|el río|el teatro|la farmacia"""),
    "food": items("""pan|queso|arroz|sopa|pollo|pescado|manzanas|naranjas|tomates|patatas
        |huevos|ensalada|fresas|chocolate|lechuga|mantequilla|cebollas|zanahorias|plátanos
        |galletas|carne|pasta|miel"""),
    "drink": items("""café|té|agua|leche|zumo de naranja|limonada|agua fría|café con leche
        |zumo de manzana|té verde|agua mineral"""),
    "thing": items("""el libro|la mesa|la silla|la carta|el teléfono|la llave|el paraguas
        |la bicicleta|la guitarra|el reloj|la maleta|el periódico|el mapa|la ventana|el coche
        |la puerta|el cuaderno|la botella|el sombrero|la chaqueta|la cámara|el ordenador
        |la caja|el espejo"""),
    "animal": items("el perro|el gato|el caballo|el pájaro|la vaca|el conejo|la oveja|el ratón"),
    "did": items("""compró|encontró|perdió|vendió|pintó|abrió|limpió|olvidó|llevó|buscó|miró
        |rompió|arregló|trajo|escondió|pidió|dejó|usó"""),
    "day": items("lunes|martes|miércoles|jueves|viernes|sábado|domingo"),
    "month": items("""enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre
        |noviembre|diciembre"""),
    "past": items("ayer|anoche|esta mañana|la semana pasada|el año pasado"),
    "future": items("hoy|mañana|esta noche|esta tarde|la próxima semana"),
    "weather": items("sol|frío|calor|viento|buen tiempo|mal tiempo"),
    "topic": items("""la historia|la música|la física|el arte|la medicina|el clima
        |la filosofía|la química|el lenguaje|la poesía|la voz humana|los océanos|la economía
        |la biología|la inteligencia artificial|el reconocimiento de voz|las matemáticas
        |la tecnología|la energía|la política|la literatura|los idiomas"""),
    "activity": items("""leer un libro|preparar la cena|dar un paseo|tocar el piano
        |ver una película|lavar los platos|llamar a mi madre|regar las plantas
        |escribir una carta|escuchar música|aprender inglés|tomar el tren|ir de compras
        |comprar pan|jugar al ajedrez|visitar a un amigo|montar en bicicleta|limpiar la cocina
        |ver las noticias|beber un té|hacer la tarea|cantar una canción|ir al cine
        |dormir un poco"""),
    "ordinal": items("primera|segunda|tercera|cuarta|quinta|última"),
    "fact": items("""llovía mucho|la puerta estaba abierta|la tienda estaba cerrada
        |no había nadie|la música era bonita|el tren llegó tarde|el café estaba frío
        |hacía mucho calor|todos dormían|el tren iba lleno|la luz estaba apagada|hacía viento
        |el perro dormía|nadie respondía|la calle estaba vacía"""),
    "unit": items("minutos|horas|días|semanas|años|euros|metros|páginas|personas|grados"),
    "feeling_any": items("""feliz|triste|bien|muy bien|mal|regular|alegre|impaciente|de vacaciones
        |en casa"""),
    "person_feeling": items("""mi hermana está cansada|mi hermano está cansado
        |el profesor está contento|la vecina está nerviosa|el médico está tranquilo
        |la maestra está contenta|mi madre está triste|su padre está enfermo|mi amigo está listo
        |el vecino está feliz|mi abuela está enferma|el conductor está nervioso"""),
    "where": items("""a la derecha|a la izquierda|cerca de la ventana|detrás de la casa
        |al final de la calle|encima de la mesa|en el centro"""),
    "name_m": items("Pedro|Juan|Carlos|Diego|Pablo|Miguel|Luis|Antonio|Javier|Manuel"),
    "name_f": items("Ana|María|Lucía|Elena|Carmen|Rosa|Isabel|Sofía|Marta|Laura"),
    "job_m": items("""profesor|médico|ingeniero|abogado|conductor|escritor|pintor|cocinero|piloto
        |cantante|carpintero|panadero"""),
    "job_f": items("""profesora|médica|ingeniera|abogada|conductora|escritora|pintora|cocinera
        |cantante|panadera|enfermera"""),
    "device_on": items("""encendida la luz|encendida la radio|encendido el ventilador
        |encendida la lámpara|encendido el televisor|encendida la alarma|encendido el horno"""),
    "of_room": items("""de la cocina|del dormitorio|de la sala|del baño|de la oficina|del garaje
        |del jardín|del comedor"""),
    "in_place": items("""en el mercado|en la estación|en el parque|en la escuela|en la playa
        |en el museo|en la biblioteca|en el hospital|en la plaza|en el teatro|en la farmacia"""),
    "to_place": items("""al mercado|a la estación|al parque|a la escuela|a la playa|al museo
        |a la biblioteca|al hospital|a la plaza|al teatro|a la farmacia|al aeropuerto"""),
    "place_f": items("""la estación|la escuela|la playa|la biblioteca|la plaza|la farmacia
        |la montaña|la iglesia"""),
    "topic_of": items("""la historia|la música|la física|la medicina|la filosofía|la química
        |la poesía|la tecnología|la política"""),
    "plural": items("manzanas|naranjas|patatas|fresas|cebollas|zanahorias|galletas|peras|cervezas"),
    "the_plural": items("""las manzanas|las naranjas|las patatas|las fresas|las cebollas
        |los tomates|los huevos|los plátanos|los limones"""),
    "color": items("rojo|azul|verde|amarillo|negro|blanco|marrón|naranja|gris|rosa"),
    "street": items("Mayor|Nueva|Real|Sol|Alcalá|Cervantes|Colón|San Juan|del Prado|de la Paz"),
    "present": items("""el tiempo es bueno|la tienda está abierta|la sopa está caliente
        |la respuesta es sencilla|el coche no funciona|la cena está lista|la puerta está cerrada
        |el autobús ya está aquí|el examen es difícil|las calles están vacías|es demasiado tarde
        |el plan funciona"""),
    "part": items("""el servidor|el cliente|el micrófono|el modelo|el navegador|la red|la sesión
        |la conexión|la transcripción|el altavoz|la ventana|la memoria|la cola|el programa
        |la pantalla"""),
    "part_state_m": items("""el servidor está listo|el servidor está ocupado
        |el modelo está preparado|el micrófono está apagado|el navegador está cerrado
        |el programa está abierto|el altavoz está roto|el archivo está vacío
        |el disco está lleno|el teclado está conectado"""),
    "part_state_f": items("""la red está lenta|la sesión está abierta|la conexión está cerrada
        |la transcripción está lista|la ventana está cerrada|la memoria está llena
        |la cola está vacía|la pantalla está apagada|la página está lista
        |la grabación está terminada"""),
    "format": items("texto|subtítulos|una tabla|una página web|un archivo de audio|un resumen"),
    "how": items("despacio|claramente|en voz alta|con calma|rápido|en voz baja"),
}
