"""bank-open.py JOURNAL DIRECTORY: a bank in SQLite, with a thousand for each account."""

import sqlite3
import sys

journal, directory = sys.argv[1:]
bank = sqlite3.connect(f"{directory}/bank.db", isolation_level=None)
bank.execute("PRAGMA page_size = 1024")
bank.execute(f"PRAGMA journal_mode = {journal}")
bank.executescript(
    """
    BEGIN;
    CREATE TABLE account (id INTEGER PRIMARY KEY, money INTEGER, note TEXT);
    CREATE INDEX account_note ON account (note);
    CREATE TABLE transfer (id INTEGER PRIMARY KEY, note TEXT);
    """
)
for account in range(400):
    bank.execute("INSERT INTO account VALUES (?, 1000, ?)", (account, f"account {account} opened"))
bank.execute("COMMIT")
bank.close()
