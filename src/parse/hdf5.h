/* HDF5 files (HDF5 File Format Specification 3.0), through libhdf5 and from memory: weights and models of Keras. */
#pragma once

#include "parse/report.h"

/* A signature and zeros: no reader opens it, and there is nothing in it that one could read. */
bool hdf5_is_placeholder(struct span file);
