/* What the two writers of inventories share. */
#pragma once

#include "ship/sbom.h"

#define SBOM_SERIAL_SIZE 48

/* "urn:uuid:…", made of a digest: the same digest, the same serial number. */
void sbom_serial(const struct digest *seed, char text[SBOM_SERIAL_SIZE]);
