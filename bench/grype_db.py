"""A database for grype (schema 6.1) out of OSV records, so that it matches against the same advisories as we do: tables and columns as grype 0.121.2 reads
them, and no more of each record than its matching uses.

    write_database(Path("vulnerability.db"), records)"""

import json
import sqlite3

SCHEMA = """
CREATE TABLE blobs (id INTEGER PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE db_metadata (build_timestamp DATETIME NOT NULL, model INTEGER NOT NULL, revision INTEGER NOT NULL, addition INTEGER NOT NULL);
CREATE TABLE providers (id TEXT PRIMARY KEY, version TEXT, processor TEXT, date_captured DATETIME, input_digest TEXT);
CREATE TABLE vulnerability_handles (id INTEGER PRIMARY KEY, name TEXT NOT NULL COLLATE NOCASE, status TEXT NOT NULL, published_date DATETIME, modified_date DATETIME,
  withdrawn_date DATETIME, provider_id TEXT NOT NULL, blob_id INTEGER UNIQUE);
CREATE TABLE vulnerability_aliases (name TEXT COLLATE NOCASE, alias TEXT NOT NULL COLLATE NOCASE, PRIMARY KEY (name, alias));
CREATE TABLE operating_systems (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, release_id TEXT COLLATE NOCASE, major_version TEXT, minor_version TEXT,
  label_version TEXT COLLATE NOCASE, codename TEXT COLLATE NOCASE, channel TEXT COLLATE NOCASE, eol_date DATETIME, eoas_date DATETIME);
CREATE TABLE operating_system_specifier_overrides (alias TEXT COLLATE NOCASE, version TEXT, version_pattern TEXT, codename TEXT, channel TEXT, replacement TEXT,
  replacement_major_version TEXT, replacement_minor_version TEXT, replacement_label_version TEXT, replacement_channel TEXT, rolling NUMERIC,
  applicable_client_db_schemas TEXT);
CREATE TABLE packages (id INTEGER PRIMARY KEY, ecosystem TEXT COLLATE NOCASE, name TEXT COLLATE NOCASE);
CREATE TABLE package_specifier_overrides (ecosystem TEXT COLLATE NOCASE, replacement_ecosystem TEXT);
CREATE TABLE architecture_aliases (alias TEXT PRIMARY KEY, canonical TEXT NOT NULL);
CREATE TABLE cpes (id INTEGER PRIMARY KEY, part TEXT, vendor TEXT, product TEXT, edition TEXT, language TEXT, software_edition TEXT, target_hardware TEXT,
  target_software TEXT, other TEXT);
CREATE TABLE package_cpes (cpe_id INTEGER, package_id INTEGER, PRIMARY KEY (cpe_id, package_id));
CREATE TABLE affected_cpe_handles (id INTEGER PRIMARY KEY, vulnerability_id INTEGER NOT NULL, cpe_id INTEGER, blob_id INTEGER);
CREATE TABLE unaffected_cpe_handles (id INTEGER PRIMARY KEY, vulnerability_id INTEGER NOT NULL, cpe_id INTEGER, blob_id INTEGER);
CREATE TABLE known_exploited_vulnerability_handles (id INTEGER PRIMARY KEY, cve TEXT NOT NULL COLLATE NOCASE, blob_id INTEGER);
CREATE TABLE epss_handles (id INTEGER PRIMARY KEY, cve TEXT NOT NULL COLLATE NOCASE, epss REAL, percentile REAL);
CREATE TABLE epss_metadata (date DATETIME NOT NULL);
CREATE TABLE cwe_handles (id INTEGER PRIMARY KEY, cve TEXT NOT NULL COLLATE NOCASE, cwe TEXT, source TEXT, type TEXT);
CREATE TABLE ssvc_handles (id INTEGER PRIMARY KEY, cve TEXT NOT NULL COLLATE NOCASE, source TEXT, role TEXT, version TEXT, timestamp DATETIME, exploitation TEXT,
  automatable TEXT, technical_impact TEXT);
"""
HANDLES = "(id INTEGER PRIMARY KEY, vulnerability_id INTEGER NOT NULL, operating_system_id INTEGER, package_id INTEGER, blob_id INTEGER)"
INDEXES = """
CREATE UNIQUE INDEX idx_package ON packages (ecosystem, name);
CREATE INDEX idx_package_name ON packages (name);
CREATE INDEX idx_vulnerability_name ON vulnerability_handles (name);
CREATE INDEX idx_affected_package ON affected_package_handles (package_id);
CREATE INDEX idx_affected_os ON affected_package_handles (operating_system_id);
CREATE INDEX idx_affected_vulnerability ON affected_package_handles (vulnerability_id);
"""
DATE = "2026-11-20 00:00:00+00:00"
TYPES = {"PyPI": ("python", "python"), "npm": ("npm", "semver"), "Go": ("go-module", "go"), "Debian:12": ("deb", "dpkg")}


def ranges_of(affected, kind):
    """[{version, fix}], one for each part of a range over versions."""
    found = []
    for r in affected.get("ranges", []):
        begin = None
        for event in r["events"] if r["type"] != "GIT" else []:
            if "introduced" in event:
                begin = event["introduced"]
                found.append((begin, None, None))
            elif found and begin is not None and ("fixed" in event or "last_affected" in event):
                found[-1] = (begin, "<" if "fixed" in event else "<=", event.get("fixed") or event["last_affected"])
    rows = []
    for begin, op, end in found:
        parts = ([f">={begin}"] if begin != "0" else []) + ([f"{op}{end}"] if op else [])
        fix = {"version": end, "state": "fixed"} if op == "<" else {"state": "not-fixed"}
        rows.append({"version": {"type": kind, "constraint": ", ".join(parts)}, "fix": fix})
    return rows


class Database:
    def __init__(self, path):
        self.db = sqlite3.connect(path)
        self.db.executescript(SCHEMA + f"CREATE TABLE affected_package_handles {HANDLES}; CREATE TABLE unaffected_package_handles {HANDLES};")
        self.db.execute("INSERT INTO db_metadata VALUES (?, 6, 1, 10)", (DATE,))
        self.db.execute("INSERT INTO providers VALUES ('bench', '1', 'bench', ?, '')", (DATE,))
        self.db.execute("INSERT INTO operating_systems VALUES (1, 'debian', 'debian', '12', '', '', 'bookworm', '', NULL, NULL)")
        self.packages = {}

    def blob(self, value):
        return self.db.execute("INSERT INTO blobs (value) VALUES (?)", (json.dumps(value),)).lastrowid

    def package(self, ecosystem, name):
        key = ecosystem, name.lower()
        if key not in self.packages:
            self.packages[key] = self.db.execute("INSERT INTO packages (ecosystem, name) VALUES (?, ?)", key).lastrowid
        return self.packages[key]

    def add(self, record):
        blob = self.blob({"id": record["id"], "description": record.get("details", "")[:2000], "severities": [{"scheme": "CHMLN", "value": "high", "rank": 1}], "refs": [{"url": "https://example.org/"}]})
        id = self.db.execute("INSERT INTO vulnerability_handles (name, status, provider_id, blob_id) VALUES (?, 'active', 'bench', ?)", (record["id"], blob)).lastrowid
        for affected in record["affected"]:
            package = affected["package"]
            ecosystem, kind = TYPES[package["ecosystem"]]
            ranges = ranges_of(affected, kind)
            if ranges:
                self.db.execute("INSERT INTO affected_package_handles (vulnerability_id, operating_system_id, package_id, blob_id) VALUES (?, ?, ?, ?)", (id, 1 if kind == "dpkg" else None, self.package(ecosystem, package["name"]), self.blob({"ranges": ranges})))


def write_database(path, records):
    """Returns how many records went in: those that are not withdrawn, of ecosystems that are known here."""
    made, count = Database(path), 0
    for record in records:
        if not record.get("withdrawn") and all(a["package"]["ecosystem"] in TYPES for a in record["affected"]):
            made.add(record)
            count += 1
    made.db.executescript(INDEXES)
    made.db.commit()
    made.db.close()
    return count
