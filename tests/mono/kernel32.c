/* Windows' LoadLibraryW for Mono on Linux: what the module calls where there is no NativeLibrary. ASCII paths only. */
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

void *LoadLibraryW(const uint16_t *path)
{
    char narrow[4096];
    size_t length = 0;

    while (path[length] != 0 && length < sizeof narrow - 1) {
        if (path[length] > 0x7f)
            return NULL;
        narrow[length] = (char)path[length];
        length++;
    }
    narrow[length] = '\0';
    return dlopen(narrow, RTLD_NOW | RTLD_GLOBAL);
}
