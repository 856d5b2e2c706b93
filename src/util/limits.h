/* Every maximum of the program, with the reason for its number. A limit that only one file needs may stand in that
 * file. */
#pragma once

/* A JSON document of other people (manifest, attestation, metadata). OCI distribution asks registries to take manifests
 * of 4 MiB. */
#define LIMIT_JSON_BYTES (4U << 20)

/* Objects and arrays inside each other. Real documents stay below 20; jansson's own limit of 2048 is far more stack
 * than we give. */
#define LIMIT_JSON_DEPTH 64

/* TUF metadata files, as python-tuf's client has them (ngclient/config.py), so that what we accept others accept too.
 */
#define LIMIT_TUF_ROOT_BYTES      512000U
#define LIMIT_TUF_TIMESTAMP_BYTES 16384U
#define LIMIT_TUF_SNAPSHOT_BYTES  2000000U
#define LIMIT_TUF_TARGETS_BYTES   5000000U
#define LIMIT_TUF_ROOT_ROTATIONS  256U

/* Signatures in one envelope or metadata file: more people than any policy asks for, few enough to verify in a
 * millisecond each. */
#define LIMIT_SIGNATURES 64U

/* A ledger entry: tlog-tiles stores its length in 16 bits. */
#define LIMIT_LEDGER_ENTRY_BYTES 65535U

/* A release's parts: layers, packages, files. A demo has 10, a large application some thousands; 10,000 wheels, each
 * with its METADATA, fit in, and their manifest stays below LIMIT_JSON_BYTES, their TUF targets below
 * LIMIT_TUF_TARGETS_BYTES. */
#define LIMIT_RELEASE_PARTS 25000U

/* A volume: what fits on a FAT32 medium (its files end at 4 GiB - 1). */
#define LIMIT_VOLUME_BYTES 4294967295ULL

/* The header of a volume: one 66-byte hash a block of 4 MiB, and its extents; 4 GiB need 70 KiB. */
#define LIMIT_VOLUME_HEADER_BYTES (4U << 20)

/* Blocks of a volume: large enough that hashing is all the cost, small enough to name what is damaged. */
#define VOLUME_BLOCK_BYTES (4U << 20)

/* A configuration, policy, release or suite file that a person wrote. */
#define LIMIT_YAML_BYTES (1U << 20)
#define LIMIT_YAML_NODES 100000U

/* Names of people, releases, contours, environments. */
#define LIMIT_NAME_CHARS 64U

/* A message between our own processes. */
#define LIMIT_MESSAGE_BYTES (64U << 20)

/* The packages document of a release: 10,000 packages with their hashes and fields are 15 MiB. */
#define LIMIT_PACKAGES_BYTES (LIMIT_MESSAGE_BYTES / 2)

/* A predicate with a line for each part of a release (inventory, provenance, scan): 20,000 lines of 500 bytes. Signed,
 * base64 makes a third more of it, and an envelope is read up to half a message. */
#define LIMIT_PREDICATE_BYTES (LIMIT_MESSAGE_BYTES / 4)

/* A read for copying or hashing: large enough that system calls do not count, small enough for the cache. */
#define COPY_CHUNK_BYTES (1U << 20)
