/* What the kernel itself says about a box, read from outside through /proc: its routing counters, and who owns a
 * socket. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "silence/event.h"
#include "util/span.h"

/* Packets for which the network namespace of process `pid` had no route, IPv4 and IPv6 together (Ip OutNoRoutes of
 * /proc/PID/net/snmp, Ip6OutNoRoutes of snmp6). The program cannot reset them. ERR_IO, ERR_SYSTEM. */
int witness_read(pid_t pid, uint64_t *packets, struct err *e);

/* Parsers, for tests. False: no such counter. */
bool witness_parse_snmp(struct span text, uint64_t *out);
bool witness_parse_snmp6(struct span text, uint64_t *out);

/* The process below `init` that owns the loopback socket with local port `port`: pid, program and command of *event.
 * False: nobody found. */
bool owner_find(pid_t init, bool tcp, uint16_t port, struct silence_event *event);

/* program and command of process `pid`, clean. */
void process_describe(pid_t pid, struct silence_event *event);
