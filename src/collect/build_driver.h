/* The program that builds one source distribution inside a box. Arguments: the sdist, the folder to unpack it in, the
 * folder for the wheel, the folder of the tools, the umask in octal, "up" or "down" for the order of the files. Its
 * first line of output names the tool chain. */
#pragma once

extern const char BUILD_DRIVER[];
