"""Small option chains, written as files."""

from __future__ import annotations

from pathlib import Path

HEADER = "quote_date,quote_time,expiration,right,strike,bid,ask,underlying"
LEGS = ("P,1970,0.40,0.50", "P,1980,1.00,1.20", "C,2020,0.90,1.10", "C,2030,0.30,0.45")


def chain_file(folder: Path, *rows: str, header: str = HEADER, name: str = "chain.csv") -> Path:
    """Write rows below a header."""
    path = folder / name
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def quotes_at(time: str, day: str = "2017-06-05", worth: float = 0.0) -> list[str]:
    """The four legs at one time, the shorts dearer by `worth`."""
    rows = []
    for leg in LEGS:
        right, strike, bid, ask = leg.split(",")
        more = worth if strike in {"1980", "2020"} else 0.0
        rows.append(f"{day},{time},{day},{right},{strike},{float(bid) + more:.2f},{float(ask) + more:.2f},2000.0")
    return rows
