# Finds libtorch, as TORCH_LIBRARIES, and tells which tests link it.
#
# The usual way is libtorch's own CMake package: Debian's, or another's by -DCMAKE_PREFIX_PATH=/opt/libtorch.
# The package of a CUDA build (PyPI's wheels among them) stops where there is no CUDA toolkit. Then
# -DLODE_TORCH_ROOT=DIR names the folder of a libtorch or of a wheel (site-packages/torch), from which the
# headers and the CPU's libraries are taken. It must be built with the C++11 ABI, as wheels are since 2.7.
set(LODE_TORCH_ROOT "" CACHE PATH "A libtorch or a wheel's torch folder, used without its CMake package")

# Defines the target `torch` from the folder. libtorch.so is left out: it has no code of its own, and in
# a CUDA build it makes every program load libtorch_cuda.so.
function(lode_torch_from_folder root)
  set(headers ${root}/include ${root}/include/torch/csrc/api/include)
  foreach(path ${headers} ${root}/lib/libtorch_cpu.so ${root}/lib/libc10.so)
    if(NOT EXISTS ${path})
      message(FATAL_ERROR "LODE_TORCH_ROOT=${root} is not a libtorch folder: ${path} is not there")
    endif()
  endforeach()
  add_library(torch INTERFACE IMPORTED GLOBAL)
  foreach(name c10 torch_cpu)
    add_library(${name} SHARED IMPORTED GLOBAL)
    set_target_properties(${name} PROPERTIES
      IMPORTED_LOCATION ${root}/lib/lib${name}.so
      INTERFACE_INCLUDE_DIRECTORIES "${headers}")
  endforeach()
  target_link_libraries(torch INTERFACE torch_cpu c10)
endfunction()

if(LODE_TORCH AND LODE_TORCH_ROOT)
  lode_torch_from_folder(${LODE_TORCH_ROOT})
  set(TORCH_LIBRARIES torch)
elseif(LODE_TORCH)
  set(CMAKE_MESSAGE_LOG_LEVEL WARNING)  # the package is talkative
  find_package(Torch 1.13 QUIET)
  unset(CMAKE_MESSAGE_LOG_LEVEL)
  if(NOT Torch_FOUND)
    message(FATAL_ERROR "libtorch is not found: install libtorch-dev (scripts/setup), name its folder "
      "in CMAKE_PREFIX_PATH or LODE_TORCH_ROOT, or build without it: -DLODE_TORCH=OFF")
  endif()
endif()

# Sets `result` to whether libtorch is among what `target` links, directly or through our libraries.
function(lode_links_torch target result)
  get_target_property(libraries ${target} LINK_LIBRARIES)
  foreach(library ${libraries})
    if(library STREQUAL "torch")
      set(${result} TRUE PARENT_SCOPE)
      return()
    elseif(library MATCHES "^lode_" AND TARGET ${library})
      get_target_property(type ${library} TYPE)
      if(NOT type STREQUAL "INTERFACE_LIBRARY")
        lode_links_torch(${library} found)
        if(found)
          set(${result} TRUE PARENT_SCOPE)
          return()
        endif()
      endif()
    endif()
  endforeach()
  set(${result} FALSE PARENT_SCOPE)
endfunction()
