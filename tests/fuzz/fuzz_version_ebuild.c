#include "fuzz_version.h"

FUZZ_VERSION(VERSION_EBUILD)
