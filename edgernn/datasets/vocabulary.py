"""What espeak-ng says, and in whose voices: other words, sentences, accents and variants, by split.

A voice is an accent and a variant. No variant is in two splits (of those that hardly differ, such as steph and
steph2, all are in one), the accent of Scotland is only tested and that of the West Midlands only validates.
"""

from __future__ import annotations

ACCENTS = {
    "train": ("en-us", "en", "en-029", "en-gb-x-rp", "en-gb-x-gbclan", "en-us-nyc"),
    "validation": ("en-gb-x-gbcwmd", "en-us", "en", "en-029"),
    "test": ("en-gb-scotland", "en-us", "en", "en-us-nyc"),
}
VARIANTS = {
    "train": (
        *("m1", "m3", "m4", "m5", "m7", "m8", "f1", "f3", "f5", "Alex", "Alicia", "Andrea"),
        *("Annie", "Demonic", "Denis", "Diogo", "Gene", "Gene2", "Hugo", "Jacky", "Lee", "Mario"),
        *("Michael", "Mike", "mike2", "Nguyen", "Reed", "Storm", "Tweaky", "UniRobot", "adam"),
        *("announcer", "antonio", "aunty", "boris", "caleb", "croak", "david", "ed", "edward"),
        *("edward2", "grandpa", "ian", "iven", "iven2", "iven3", "iven4", "john", "kaukovalta"),
        *("klatt", "klatt2", "klatt3", "klatt4", "klatt5", "klatt6", "linda", "marcelo", "max"),
        *("michel", "pablo", "pedro", "quincy", "rob", "robosoft", "robosoft2", "robosoft3"),
        *("sandro", "shelby", "steph", "steph2", "steph3", "travis", "zac"),
    ),
    "validation": (*("m6", "f4", "Andy", "Henrique", "anika", "belinda", "gustave", "norbert", "victor"),),
    "test": (*("m2", "f2", "Marco", "Mr serious", "benjamin", "grandma", "miguel", "paul", "robert"),),
}

OTHER_WORDS = (
    # alike: a recogniser must tell them from stop, go, left, right, no, yes, on, off, up, down
    *("step", "goat", "note", "yet", "cup", "town", "light", "stock", "gold", "guess"),
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "bed", "bird", "cat", "dog"),
    *("happy", "house", "marvin", "sheila", "tree", "wow", "forward", "backward", "visual", "learn", "follow"),
    *("music", "window", "water", "kitchen", "garden", "weather", "morning", "please", "hello"),
)

# of train in pieces, which are unknown words; the others are said in long streams alone; none holds a command word
SENTENCES = {
    "train": (
        "The quick brown fox jumps over the lazy dog.",
        "She sells sea shells by the sea shore every summer.",
        "Nine hundred people came to see the fireworks last night.",
        "My brother works as an engineer in a large factory.",
        "We should leave early because the traffic will be bad.",
        "The soup tastes better with a little more salt.",
        "They have lived in the same street for thirty years.",
        "Could you tell me the way to the railway station?",
        "The teacher explained the problem with a simple drawing.",
        "It was raining so hard that the river rose by a metre.",
        "The bakery sells fresh bread and apple cake.",
        "I think that we met at the conference in Berlin.",
        "Please close the curtains before you switch the lamp.",
        "His new bicycle is blue with silver wheels.",
        "The children built a castle of sand near the water.",
        "Doctors say that walking is good for the heart.",
        "The price of coffee has changed three times this month.",
        "There were only seven tickets for all of us.",
        "An old clock was ticking in the empty hall.",
        "Farmers hope for a dry week to bring in the hay.",
        "Her first book was about the history of medicine.",
        "The plane landed safely despite the thick fog.",
        "He always listens to the radio while he cooks dinner.",
        "What time does the library open at the weekend?",
    ),
    "validation": (
        "The weather this morning is cold and a little wet.",
        "My sister bought three books about birds last week.",
        "Please bring some water and a clean glass.",
        "We had bread and cheese with the neighbours yesterday.",
        "The train to the coast leaves at half past eight.",
        "He has been learning the violin since he was seven.",
        "Nobody knows where the old map came from.",
        "The garden smells of rain and fresh grass.",
        "She wrote a long letter to her teacher.",
        "Most of the shops close early in winter.",
        "There is a small table near the kitchen window.",
        "The children were playing with a yellow ball.",
    ),
    "test": (
        "A friend of mine makes very good coffee.",
        "The news said that prices will rise again next year.",
        "I would like a quiet room with a view of the lake.",
        "Our team has never played better than this season.",
        "The doctor asked him to drink more water.",
        "They painted the house white and the doors blue.",
        "It takes about twenty minutes to walk home.",
        "This recipe needs two eggs, flour and some sugar.",
        "The film was longer than we thought.",
        "My grandmother tells the best stories.",
        "Can you help me carry these boxes inside?",
        "Every evening the same dog barks at the moon.",
        "The museum has a large collection of clocks.",
        "He forgot his umbrella at the office.",
    ),
}
