/* A client of ClamAV's daemon (clamd(8)) over its UNIX socket; nothing of ClamAV is linked. A file goes over as a
 * descriptor (FILDES): no copy, and StreamMaxLength does not count. Where clamd may not read it (Debian confines clamd
 * with AppArmor to few folders), the bytes are sent (INSTREAM). Hard rules: only a local socket is spoken to, no
 * address of a network; whatever is no answer (none in time, half of one, nonsense) is an error, and never "OK". */
#pragma once

#include "parse/clamd_reply.h"

#define CLAMD_SOCKET "/run/clamav/clamd.ctl" /* Debian's */

/* clamd maps files, and cannot map more (clamd.conf(5), MaxFileSize). */
#define CLAMD_FILE_BYTES_MAX ((2ULL << 30) - 1)

/* clamd itself gives up after MaxScanTime, 120 s by default; what waits in its queue waits longer. */
#define CLAMD_TIMEOUT_MS 300000

/* Is it a path that a UNIX socket can have? */
bool clamd_path_ok(const char *path);

/* Asks for engine, database and its date. -1: ERR_UNDECIDED. */
int clamd_version(const char *path, int timeout_ms, struct clamd_version *out, struct err *e);

/* Has the file looked at, from its first byte, whatever the offset of `fd` is. -1: no answer, ERR_UNDECIDED. Safe from
 * any thread. */
int clamd_look(const char *path, int fd, int timeout_ms, struct clamd_reply *out, struct err *e);

/* Proves that its "OK" means something: it must find the EICAR test file, or its database is none; and it must say when
 * it did not look to the end (AlertExceedsMax), proved by an archive deeper than it can go. By default clamd calls such
 * a file "OK". -1: ERR_UNDECIDED. */
int clamd_prove(const char *path, int timeout_ms, struct err *e);
