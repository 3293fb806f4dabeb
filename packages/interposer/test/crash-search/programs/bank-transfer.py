"""bank-transfer.py SYNCHRONOUS DIRECTORY: moves money between accounts of the bank, so that the sum stays.

Each transaction is a line in the table of transfers, and a printed one when its commit has returned.
"""

import random
import sqlite3
import sys

synchronous, directory = sys.argv[1:]
bank = sqlite3.connect(f"{directory}/bank.db", isolation_level=None)
bank.execute(f"PRAGMA synchronous = {synchronous}")
accounts = range(400)
chance = random.Random(1)
for transfer in range(1, 7):
    bank.execute("BEGIN")
    note = f"transfer {transfer}"
    for giver, taker in (chance.sample(accounts, 2) for _ in range(4)):
        bank.execute("UPDATE account SET money = money - 1, note = ? WHERE id = ?", (note, giver))
        bank.execute("UPDATE account SET money = money + 1, note = ? WHERE id = ?", (note, taker))
    bank.execute("INSERT INTO transfer VALUES (?, ?)", (transfer, note))
    bank.execute("COMMIT")
    print("committed", transfer, flush=True)
bank.close()
