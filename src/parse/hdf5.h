/* HDF5 files (HDF5 File Format Specification 3.0) through libhdf5, out of memory: weights and models of Keras. The
 * library gets its bytes from us and has no other way to any: it opens no file, follows no link out of this one and
 * loads no plugin. Debian's libhdf5 has
 * faults in how it reads broken files, known ones too: so it runs only in a process that reads this one file and is
 * thrown away (inspect_options.apart), and a crash of it is "not scanned". Hard rules: what would make another reader
 * open a second file or load a filter is a finding; a description of a model is held to the rules of keras.h. */
#pragma once

#include "parse/report.h"

/* Groups, datasets and links of one file. */
#define LIMIT_HDF5_OBJECTS 1000000U

/* Goes through every link, object and attribute; data are not read. Facts: groups, datasets, keras_version. 0, or -1
 * when reading stopped at a finding. */
int hdf5_check(struct span file, struct report *r);

/* A signature and zeros: no reader opens it, and there is nothing in it that one could read. */
bool hdf5_is_placeholder(struct span file);
