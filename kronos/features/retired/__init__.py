"""Features that no new model uses. They stay computable, so that models trained on them keep serving."""

from kronos.features.retired import first_revisions

RETIRED = (first_revisions,)
