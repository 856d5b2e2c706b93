/* What a box that observes reports through its listener, and what may be answered: one table for the filter and for
 * whoever reads the listener. Hard rule: only calls that the network namespace already makes harmless are ever let
 * through; every other reported call is answered with its error. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* 0: the call goes on (SECCOMP_USER_NOTIF_FLAG_CONTINUE); else the errno that it fails with. -1: never reported. */
int box_observed_answer(int nr);

/* Name of a reported call: "connect"; NULL when it is none. */
const char *box_observed_name(int nr);

/* May a program open a socket of this family and protocol? {UNIX, INET, INET6, NETLINK with protocol ROUTE}. */
bool box_family_allowed(int family, int protocol);

/* Room that this kernel wants for what its listener gives and takes (struct seccomp_notif, seccomp_notif_resp). -1: it
 * has no user notification. */
int box_notify_sizes(size_t *call, size_t *answer);
