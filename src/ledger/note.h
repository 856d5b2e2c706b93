/* C2SP signed-note and tlog-checkpoint: the signed head of a log, and the keys that verify it. Hard rule: a note is
 * taken only when the given key signed it; other signatures on it are passed over, one of that key that fails is
 * not. */
#pragma once

#include "trust/key.h"

#define NOTE_MAX_BYTES 65536U
#define NOTE_NAME_SIZE 256

/* A verification key, "name+hash+base64(type || key)" (signed-note, "Verifier keys"). Type 1 (Ed25519) is the one that
 * logs sign checkpoints with. */
struct vkey {
    char name[NOTE_NAME_SIZE];
    uint8_t id[4];
    struct public_key *key; /* owned */
};
int vkey_parse(struct span text, struct vkey *out, struct err *e);
int vkey_make(const char *name, const struct public_key *k, struct vkey *out, struct err *e);
void vkey_write(const struct vkey *v, struct buf *out);
void vkey_fini(struct vkey *v);
#define auto_vkey AUTO(vkey_fini) struct vkey

struct checkpoint {
    char origin[NOTE_NAME_SIZE];
    uint64_t size;
    struct digest root;
};

/* The note of a checkpoint, signed. */
int checkpoint_sign(const struct checkpoint *c, const struct private_key *k, struct buf *note, struct err *e);

/* Reads a note's checkpoint; says nothing about signatures. ERR_INPUT. */
int checkpoint_parse(struct span note, struct checkpoint *out, struct err *e);

/* 0 when `v` signed the note and its origin is v's name; ERR_INPUT otherwise. */
int checkpoint_check(struct span note, const struct vkey *v, struct err *e);
