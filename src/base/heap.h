// How a program's heap deals with large buffers that come and go.
#pragma once

namespace lode {

/// Lets the process keep up to 256 MiB that it has freed, instead of giving it back at once. Clouds
/// and pictures are megabytes that are freed and allocated again with every task, and a page fresh
/// from the kernel costs more than filling it does. For a program's start; does nothing where the C
/// library is not glibc.
void keep_freed_memory();

}  // namespace lode
