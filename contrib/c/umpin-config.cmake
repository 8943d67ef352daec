# find_package(umpin) gives the targets umpin::umpin and, where the static library is there, umpin::static.
get_filename_component(_umpin_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)

if(NOT TARGET umpin::umpin)
    add_library(umpin::umpin SHARED IMPORTED)
    set_target_properties(umpin::umpin PROPERTIES
        IMPORTED_LOCATION "${_umpin_prefix}/lib/libumpin.so"
        # Without a name of its own in the library, the linker would note the whole path.
        IMPORTED_NO_SONAME TRUE
        INTERFACE_INCLUDE_DIRECTORIES "${_umpin_prefix}/include")
endif()

if(NOT TARGET umpin::static AND EXISTS "${_umpin_prefix}/lib/libumpin.a")
    add_library(umpin::static STATIC IMPORTED)
    set_target_properties(umpin::static PROPERTIES
        IMPORTED_LOCATION "${_umpin_prefix}/lib/libumpin.a"
        INTERFACE_LINK_LIBRARIES "pthread;dl;m;gcc_s"
        INTERFACE_INCLUDE_DIRECTORIES "${_umpin_prefix}/include")
endif()

unset(_umpin_prefix)
