// A shared object with the stamp of a plugin, and without the function of one.
#include <cstddef>

#include <weir/version.h>

extern "C" __attribute__((used, visibility("default"))) const char stamp_of_no_plugin[] = WEIR_PLUGIN_STAMP;
