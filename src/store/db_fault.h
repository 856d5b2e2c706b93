/* SQLite's file calls through the injector of util/sys_fault.h. Linked into airlock-fault and tests/fault only. */
#pragma once

/* Before a database is opened; airlock-fault does it at its start when AIRLOCK_FAULT is set. */
void db_fault_install(void);
