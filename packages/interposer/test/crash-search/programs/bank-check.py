"""bank-check.py [--durable PROMISES] DIRECTORY: whether the bank is sound.

That is: SQLite finds no damage, and no money came or went. With --durable also: every transfer is there of which the
commit had returned.
"""

import sqlite3
import sys

*options, directory = sys.argv[1:]
bank = sqlite3.connect(f"{directory}/bank.db", isolation_level=None)
try:
    (verdict,) = bank.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        sys.exit(f"integrity_check: {verdict}")
    count, money = bank.execute("SELECT count(*), sum(money) FROM account").fetchone()
    (transfers,) = bank.execute("SELECT count(*) FROM transfer").fetchone()
except sqlite3.DatabaseError as error:
    sys.exit(f"SQLite: {error}")
if (count, money) != (400, 400_000):
    sys.exit(f"{count} accounts hold {money}, not 400 and 400000")
if options:
    with open(options[1]) as promises:
        promised = len(promises.readlines())
    if transfers < promised:
        sys.exit(f"{promised} commits had returned, {transfers} transfers are there")
