"""Names of cities in the reader's language: a provider writes one name, mostly the English one."""

from django.utils.translation import gettext_lazy as _

# The cities of the eight national hubs, of the Greater Bay Area, and others that house accelerators.
CITIES = {
    "Beijing": _("Beijing"), "Changsha": _("Changsha"), "Chengdu": _("Chengdu"),
    "Chongqing": _("Chongqing"), "Dongguan": _("Dongguan"), "Foshan": _("Foshan"),
    "Guangzhou": _("Guangzhou"), "Gui'an": _("Gui'an"), "Guiyang": _("Guiyang"),
    "Hangzhou": _("Hangzhou"), "Hefei": _("Hefei"), "Hohhot": _("Hohhot"),
    "Hong Kong": _("Hong Kong"), "Horinger": _("Horinger"), "Huizhou": _("Huizhou"),
    "Jiangmen": _("Jiangmen"), "Jinan": _("Jinan"), "Langfang": _("Langfang"),
    "Lanzhou": _("Lanzhou"), "Macao": _("Macao"), "Nanjing": _("Nanjing"),
    "Qingyang": _("Qingyang"), "Shanghai": _("Shanghai"), "Shaoguan": _("Shaoguan"),
    "Shenzhen": _("Shenzhen"), "Suzhou": _("Suzhou"), "Tianjin": _("Tianjin"),
    "Ulanqab": _("Ulanqab"), "Wuhan": _("Wuhan"), "Wuhu": _("Wuhu"),
    "Wuxi": _("Wuxi"), "Xi'an": _("Xi'an"), "Zhangjiakou": _("Zhangjiakou"),
    "Zhaoqing": _("Zhaoqing"), "Zhengzhou": _("Zhengzhou"), "Zhongshan": _("Zhongshan"),
    "Zhongwei": _("Zhongwei"), "Zhuhai": _("Zhuhai"),
}  # fmt: skip


def cities_called(text: str) -> list[str]:
    """The cities, as providers write them, whose name in the language in force has this text in it."""
    return [city for city, name in CITIES.items() if text.casefold() in str(name).casefold()]


def local_city(city: str) -> str:
    """The city's name in the language in force; one that is not known stays as it was written."""
    return str(CITIES.get(city, city))
