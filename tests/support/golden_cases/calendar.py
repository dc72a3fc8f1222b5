"""Features that need only the calendar, counted on one."""

from __future__ import annotations

from kronos.condor.spec import CondorSpec
from tests.support.golden import CLOSE, OPEN, Golden, market

FOUR_FROM_THE_OPEN = CondorSpec("open", 3)
FIVE_AFTER_THE_CLOSE = CondorSpec("close", 5)


def days(feature: str, shows: str, expected: float | None, session: str, spec: CondorSpec = OPEN) -> Golden:
    """One entry, and no bar but its own."""
    return Golden(feature, shows, expected, market(session, session), session, spec)


WEEKDAYS = [
    Golden("day_of_week", "Friday is 4", 4, market()),
    Golden("day_of_week", "Monday is 0", 0, market(), "2018-03-26"),
    Golden("day_of_week", "Wednesday is 2", 2, market(), "2018-03-21", CLOSE),
]

FOMC = [
    days("fomc_days", "entered on the day", 1, "2018-03-21"),
    days("fomc_days", "the day before", 0, "2018-03-20"),
    days("fomc_days", "the day after", 0, "2018-03-22"),
    days("fomc_days", "settled on the day", 1, "2018-03-20", CLOSE),
    days("fomc_days", "at the close of the day it is over", 0, "2018-03-21", CLOSE),
    days("fomc_days", "the last of four sessions from the open", 1, "2018-03-16", FOUR_FROM_THE_OPEN),
    days("fomc_days", "one after four sessions from the open", 0, "2018-03-15", FOUR_FROM_THE_OPEN),
    days("fomc_days", "the last of five sessions after the close", 1, "2018-03-14", FIVE_AFTER_THE_CLOSE),
    days("fomc_days", "one after five sessions after the close", 0, "2018-03-13", FIVE_AFTER_THE_CLOSE),
    days("fomc_days", "21 March, 2 May and 13 June", 3, "2018-03-21", CondorSpec("open", 58)),
    days("fomc_days", "settled on the day before 13 June", 2, "2018-03-21", CondorSpec("open", 57)),
    days("fomc_days", "a meeting of two days announces on the second", 1, "2012-08-01"),
    days("fomc_days", "and not on the first", 0, "2012-07-31"),
    days("fomc_days", "a meeting that was lengthened to two days", 1, "2009-12-16"),
    days("fomc_days", "a decision between meetings was not scheduled", 0, "2020-03-03"),
    days("fomc_days", "a meeting that was called off", 0, "2020-03-18"),
    days("fomc_days", "before 1994 nothing was announced", 0, "1993-12-21"),
    days("fomc_days", "the first announcement", 1, "1994-02-04"),
    days("fomc_days", "the last in the list", 1, "2027-12-08"),
    days("fomc_days", "settled on the last in the list", 1, "2027-12-07", CLOSE),
    days("fomc_days", "entered after the list", None, "2027-12-09"),
    days("fomc_days", "settled after the list", None, "2027-12-08", CLOSE),
    days("fomc_days", "four sessions of which the last is after the list", None, "2027-12-06", FOUR_FROM_THE_OPEN),
]

JOBS = [
    days("jobs_days", "three weeks after the week of 12 February", 1, "2018-03-09"),
    days("jobs_days", "the first Friday of a month that begins on Thursday", 0, "2018-03-02"),
    days("jobs_days", "settled on the day", 1, "2018-03-08", CLOSE),
    days("jobs_days", "at the close of the day it is over", 0, "2018-03-09", CLOSE),
    days("jobs_days", "the last of four sessions from the open", 1, "2018-03-06", FOUR_FROM_THE_OPEN),
    days("jobs_days", "one after four sessions from the open", 0, "2018-03-05", FOUR_FROM_THE_OPEN),
    days("jobs_days", "the last of five sessions after the close", 1, "2018-03-02", FIVE_AFTER_THE_CLOSE),
    days("jobs_days", "one after five sessions after the close", 0, "2018-03-01", FIVE_AFTER_THE_CLOSE),
    days("jobs_days", "9 March and 6 April", 2, "2018-03-08", CondorSpec("close", 20)),
    days("jobs_days", "settled on the day before 6 April", 1, "2018-03-08", CondorSpec("close", 19)),
    days("jobs_days", "the week of a 12th on Sunday begins with it", 1, "2017-12-08"),
    days("jobs_days", "so it is not a week earlier", 0, "2017-12-01"),
    days("jobs_days", "the week of a 12th on Saturday ends with it", 1, "2018-06-01"),
    days("jobs_days", "so it is not a week later", 0, "2018-06-08"),
    days("jobs_days", "1 January moves to the 8th", 1, "2010-01-08"),
    days("jobs_days", "and nothing is left between the years", 0, "2009-12-31", CLOSE),
    days("jobs_days", "2 January moves to the 9th", 1, "2015-01-09"),
    days("jobs_days", "3 January moves to the 10th", 1, "2014-01-10"),
    days("jobs_days", "not on 3 January", 0, "2014-01-03"),
    days("jobs_days", "4 January does not move", 1, "2019-01-04"),
    days("jobs_days", "the Thursday before Independence Day kept on 3 July", 1, "2015-07-02"),
    days("jobs_days", "settled on that Thursday", 1, "2015-07-01", CLOSE),
    days("jobs_days", "the Thursday before Independence Day on Friday", 1, "2014-07-03"),
    days("jobs_days", "a Friday of July that is a session stays", 1, "2018-07-06"),
    days("jobs_days", "and the day before has none", 0, "2018-07-05"),
    days("jobs_days", "Good Friday is no session, and the day before has none", 0, "2015-04-02"),
    days("jobs_days", "nor has the Monday after it", 0, "2015-04-02", CLOSE),
]

HALF = [
    days("half_days", "the eve of Independence Day", 1, "2018-07-03"),
    days("half_days", "the day after Thanksgiving", 1, "2018-11-23"),
    days("half_days", "Christmas Eve", 1, "2018-12-24"),
    days("half_days", "New Year's Eve is a whole day", 0, "2018-12-31"),
    days("half_days", "the day before", 0, "2018-07-02"),
    days("half_days", "settled on it", 1, "2018-07-02", CLOSE),
    days("half_days", "at its close it is over", 0, "2018-07-03", CLOSE),
    days("half_days", "the last of four sessions from the open", 1, "2018-11-19", FOUR_FROM_THE_OPEN),
    days("half_days", "one after four sessions from the open", 0, "2018-11-16", FOUR_FROM_THE_OPEN),
    days("half_days", "the last of five sessions after the close", 1, "2018-12-17", FIVE_AFTER_THE_CLOSE),
    days("half_days", "one after five sessions after the close", 0, "2018-12-14", FIVE_AFTER_THE_CLOSE),
    days("half_days", "Thanksgiving's and Christmas's", 2, "2018-11-21", CondorSpec("close", 21)),
]

MONTHS = [
    days("month_begins", "the first of March", 1, "2018-03-01"),
    days("month_begins", "the second", 0, "2018-03-02"),
    days("month_begins", "settled on the first", 1, "2018-02-28", CLOSE),
    days("month_begins", "at the close of the first it is over", 0, "2018-03-01", CLOSE),
    days("month_begins", "a first of April on Sunday after Good Friday", 1, "2018-04-02"),
    days("month_begins", "a year begins after its holiday", 1, "2018-01-02"),
    days("month_begins", "the last of four sessions from the open", 1, "2018-03-27", FOUR_FROM_THE_OPEN),
    days("month_begins", "one after four sessions from the open", 0, "2018-03-26", FOUR_FROM_THE_OPEN),
    days("month_begins", "the last of five sessions after the close", 1, "2018-12-24", FIVE_AFTER_THE_CLOSE),
    days("month_begins", "one after five sessions after the close", 0, "2018-12-21", FIVE_AFTER_THE_CLOSE),
    days("month_begins", "March's and April's", 2, "2018-03-01", CondorSpec("open", 21)),
    days("month_ends", "March ends before Good Friday", 1, "2018-03-29"),
    days("month_ends", "the last but one", 0, "2018-03-28"),
    days("month_ends", "settled on the last", 1, "2018-03-28", CLOSE),
    days("month_ends", "at the close of the last it is over", 0, "2018-03-29", CLOSE),
    days("month_ends", "a month that ends on Saturday", 1, "2018-06-29"),
    days("month_ends", "the end of a year", 1, "2018-12-31"),
    days("month_ends", "the last of four sessions from the open", 1, "2018-03-26", FOUR_FROM_THE_OPEN),
    days("month_ends", "one after four sessions from the open", 0, "2018-03-23", FOUR_FROM_THE_OPEN),
    days("month_ends", "the last of five sessions after the close", 1, "2018-12-21", FIVE_AFTER_THE_CLOSE),
    days("month_ends", "one after five sessions after the close", 0, "2018-12-20", FIVE_AFTER_THE_CLOSE),
    days("month_ends", "February's and March's", 2, "2018-02-28", CondorSpec("open", 21)),
]

CALENDAR = [*WEEKDAYS, *FOMC, *JOBS, *HALF, *MONTHS]
