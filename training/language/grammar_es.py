"""The Spanish demo grammar: sentence templates, see ``training.grammar_en``."""

from __future__ import annotations

from training.language.wordlists import lines

TEMPLATES: dict[str, tuple[str, ...]] = {
    "hogar": lines("""
        Enciende {device}, por favor.
        Apaga {device} a las {hour}.
        Pon la temperatura a {n} grados.
        Pon una alarma a las {hour}.
        Abre la ventana y cierra la puerta {of_room}.
        ¿Está {device_on}?
        Recuérdame {activity} {future}.
        Necesito {food} y {food}.
        Quiero {food} con {drink}, por favor.
        ¿Quieres {drink} o {drink}?
        Apaga todo en {room}.
        Sube el volumen, por favor.
        Baja la temperatura a {n} grados.
        Pon música en {room}.
        ¿Está cerrada la puerta?
        Llama a {name} a las {hour}.
        Añade {food} y {food} a la lista de la compra.
        Despiértame a las {hour}.
        ¿Qué hay en la lista?
        Hace demasiado calor en {room}.
        ¿Puedes apagar {device}?"""),
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
        Faltan {n} {unit}.
        Hoy es {day}, {dom} de {month}.
        La tienda abre a las {hour} y cierra a las {hour}.
        Llegamos a {city} el {day} a las {hour}.
        {name} nació en {year}.
        La casa se construyó en {year}.
        Vuelvo en {n} minutos.
        El vuelo de {city} a {city} dura {n} horas.
        ¿Podemos vernos el {day}?
        La fiesta es el {day} a las {hour}.
        Mañana va a llover en {city}.
        El {day} va a hacer {weather}.
        Son las {hour}."""),
    "charla": lines("""
        Hola, me llamo {name}.
        Buenos días, {name}.
        Buenas noches, ¿cómo estás?
        Estoy {feeling_any}, gracias.
        Soy de {city}, pero vivo en {city}.
        ¿Dónde está {thing}?
        ¿Dónde está {place}?
        Muchas gracias, {name}.
        ¿Puedes repetirlo, por favor?
        ¿Hablas español o inglés?
        Me gusta {activity} {future}.
        ¿Quién {did} {thing}?
        Mucho gusto, {name}.
        ¿De dónde eres?
        Nos vemos {future}.
        No sé la respuesta.
        ¿Qué piensas de {topic_of}?
        ¿Quieres {activity} conmigo?
        Mi color favorito es el {color}.
        {name_m} es {job_m} en {city}.
        {name_f} es {job_f} en {city}.
        Quiero ser {job_m}.
        ¿Cuántos años tienes?
        Vivo en la calle {street}, número {n}.
        ¿Qué hiciste {past}?
        Buen viaje a {city}.
        Tengo que {activity} {future}.
        No puedo {activity} {future}.
        ¿Me oyes bien?
        Perdón, no te he entendido."""),
    "relato": lines("""
        {name} {did} {thing} {past}.
        {name} {did} {thing} {in_place}.
        {person_cap} {did} {thing} porque {fact}.
        {person_feeling_cap} porque {fact}.
        {animal_cap} está {where}.
        {thing_cap} está {where}.
        {name} y {name} quieren {activity}.
        {past_cap} {name} {did} {thing}.
        Cuando {fact}, {name} {did} {thing}.
        {place_cap} está {where}.
        {name} dijo que {fact}.
        Creo que {present}, pero {name} no está de acuerdo.
        Si {present}, vamos a {activity}.
        {name} vio {animal} cerca de {place_f}.
        {animal_cap} y {animal} están {where}.
        Nadie sabía que {fact}.
        Antes de {activity}, {name} {did} {thing}.
        {name} quería {activity}, pero {fact}."""),
    "clase": lines("""
        Bienvenidos a la {ordinal} clase sobre {topic}.
        Hoy vamos a hablar sobre {topic}.
        La {ordinal} pregunta es sobre {topic}.
        Abran el libro en la página {n}.
        Los subtítulos aparecen mientras {person} habla.
        Las palabras aparecen en la pantalla {future}.
        ¿Hay preguntas sobre {topic}?
        La clase dura {n} minutos.
        Tenemos {n} {unit}.
        {name} habla sobre {topic} y sobre {topic}.
        Buenos días a todos y bienvenidos a la {ordinal} clase.
        Como pueden ver en la pantalla, el precio subió un {n} por ciento.
        Vamos a empezar con un ejemplo.
        En otras palabras, {present}.
        ¿Qué significa esto?
        La próxima semana continuamos con {topic}.
        Gracias por su atención.
        La tarea es para el {day}.
        Vamos a hacer una pausa de {n} minutos.
        Lean la {ordinal} página, por favor.
        Los estudiantes hicieron {n} preguntas sobre {topic}.
        La mayoría de la gente sabe poco sobre {topic}."""),
    "números": lines("""
        {digits}.
        {digits}.
        Mi número de teléfono es {digits_low}.
        La respuesta es {big}.
        El libro cuesta {n} euros.
        Hay {big} personas {in_place}.
        Vive en el número {n}.
        Mi número es el {phone}.
        El código es {digits_low}.
        Alrededor del {n} por ciento dijo que sí.
        Son {n} euros con {n} céntimos.
        Hay {big} kilómetros entre {city} y {city}.
        El valor es {n} coma {decimal_part}.
        El capítulo {n} empieza en la página {big}.
        Ganó {big} euros.
        Quedan {n} {unit}.
        La respuesta está en la página {n}."""),
    "letras": lines("""
        El código es {letters}.
        Se escribe {letters}.
        Mi nombre se escribe {letters}.
        Fila {letter}, asiento {n}.
        El número del vuelo es {letters} {digits_low}."""),
    "compras": lines("""
        Quisiera {n} {plural}, por favor.
        ¿Cuánto cuestan {the_plural}?
        ¿Tienen {food} y {drink}?
        Necesitamos {food}, {food} y {food}.
        {name} quiere {drink} y {name} quiere {drink}.
        Para desayunar tomo {food} con {drink}.
        ¿Puedo pagar con tarjeta?
        La cuenta, por favor.
        Pagó {n} euros por {thing}.
        Una taza de {drink} cuesta {n} euros.
        Solo estoy mirando, gracias."""),
    "corto": lines("""
        Sí.
        No.
        Sí, por favor.
        No, gracias.
        Gracias.
        Muchas gracias.
        De nada.
        Buenos días a todos.
        Buenas tardes.
        Hasta luego.
        Hasta {future}.
        Hasta el {day}.
        ¿Cómo?
        ¿De verdad?
        ¿Por qué no?
        Claro.
        De acuerdo.
        Un momento, por favor.
        No lo sé.
        Perfecto.
        Adelante.
        Lo siento.
        Hola, {name}.
        Gracias, {name}.
        A las {hour}.
        El {day} a las {hour}.
        En {city}.
        Quizás {future}."""),
    "preguntas": lines("""
        ¿Qué hora es?
        ¿Quién {did} {thing} {past}?
        ¿Cómo llego {to_place}?
        ¿Está lejos {place}?
        ¿Vive {name} en {city} o en {city}?
        ¿Has visto {thing}?
        ¿Me puedes ayudar con {thing}?
        ¿Cuándo vas a {activity}?
        ¿Por qué {fact}?
        ¿Cuánto tiempo necesitas para {activity}?
        ¿Prefieres {activity} o {activity}?
        ¿Qué diferencia hay entre {topic} y {topic}?
        ¿Todos pueden oírme?"""),
    "camino": lines("""
        Gire a la izquierda y siga {n} metros.
        Tome la {ordinal} calle a la derecha.
        El autobús va {to_place}.
        Tome el tren de {city} a {city}.
        {place_cap} está a {n} minutos.
        Siga todo recto y después gire a la derecha.
        La salida está {where}.
        Baje en la {ordinal} parada."""),
    "reunión": lines("""
        Vamos a empezar.
        ¿Me oyen todos?
        {name}, tienes el micrófono apagado.
        El siguiente punto es {topic}.
        ¿Quién toma notas hoy?
        Te mando el informe {future}.
        Nos quedan {n} minutos.
        ¿Hay más preguntas?
        Estoy de acuerdo con {name}.
        No estoy seguro.
        Tenemos que decidirlo antes del {day}.
        Atención, el tren a {city} lleva {n} minutos de retraso.
        Señoras y señores, bienvenidos a {city}.
        Próxima parada, calle {street}.
        Disculpen las molestias.
        El museo cierra en {n} minutos.
        Gracias a todos por venir.
        Bueno, yo diría que {present}."""),
    "técnica": lines("""
        {part_state_m_cap}.
        {part_state_f_cap}.
        El servidor responde después de {n} segundos.
        El modelo escribe el texto palabra por palabra.
        La latencia es de {n} milisegundos.
        El navegador pide permiso para usar el micrófono.
        El texto provisional todavía puede cambiar.
        El texto final ya no cambia.
        Guarda la transcripción como {format}.
        Reinicia {part} y prueba otra vez.
        ¿Por qué {part_state_m}?
        La grabación dura {n} segundos.
        {part_cap} envía el audio al servidor.
        Los subtítulos ayudan a las personas que no oyen bien.
        Hable {how} y mire la pantalla.
        Nada sale de este ordenador.
        Active los subtítulos, por favor.
        La tasa de error bajó un {n} por ciento."""),
}
