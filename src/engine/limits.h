/* What an engine image may be. Numbers with their reasons; the unpacker and the reader of tree lists hold to them. */
#pragma once

/* Entries of one image. A large Python stack (CUDA, torch, vLLM) has about 150,000. */
#define IMAGE_ENTRIES_MAX 500000U

/* Bytes of one image's tree. The largest serving images are about 30 GB. */
#define IMAGE_BYTES_MAX (128ULL << 30)

/* A layer may grow to this many times its size, and to the floor in any case: real layers stay below 30, runs of zeros
 * of small files reach 100, a bomb of deflate 1032. */
#define IMAGE_RATIO_MAX   200U
#define IMAGE_RATIO_FLOOR (64ULL << 20)

/* As Linux has them (PATH_MAX, NAME_MAX); the depth is ten times what real trees have. */
#define IMAGE_PATH_MAX  4095U
#define IMAGE_NAME_MAX  255U
#define IMAGE_DEPTH_MAX 128U

/* The tree list as JSON: some 200 bytes an entry. */
#define IMAGE_LIST_BYTES (160U << 20)
