"""How much water a plant gets."""

LITRES_A_DAY = 0.4


def amount(days_without_rain: int) -> float:
    """Litres for one plant; no more than two, whatever the weather."""
    return min(2.0, LITRES_A_DAY * days_without_rain)
