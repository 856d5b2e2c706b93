/* The canary: attempts to leave that we make ourselves, from inside, so that every recorder can show that it is awake.
 * Addresses are of the blocks that RFC 5737 and RFC 3849 keep for documentation. */
#pragma once

#include <stdint.h>

#define CANARY_TCP4     "192.0.2.1"    /* connect, port 443 */
#define CANARY_TCP6     "2001:db8::1"  /* connect, port 443 */
#define CANARY_SENDTO   "198.51.100.1" /* UDP, port 9 */
#define CANARY_SENDMSG  "203.0.113.1"  /* UDP, port 9 */
#define CANARY_SENDMMSG "192.0.2.2"    /* UDP, port 9 */
#define CANARY_TCP_PORT 443
#define CANARY_UDP_PORT 9

/* Names asked for: "<nonce>.udp.canary.invalid" over UDP, "<nonce>.tcp.canary.invalid" over TCP. */
#define CANARY_UDP_SUFFIX ".udp.canary.invalid"
#define CANARY_TCP_SUFFIX ".tcp.canary.invalid"

/* And one socket of a family that is not allowed: AF_VSOCK. */

/* What could not be tried, so nobody can have seen it. */
#define CANARY_NO_IPV6 1 /* the host has no IPv6 */
#define CANARY_BROKEN  2 /* an attempt could not even be made */

/* Makes the attempts in this process; returns the bits. Takes at most some seconds. */
int canary_try(const char *nonce);
