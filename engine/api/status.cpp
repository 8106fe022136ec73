// SPDX-License-Identifier: Apache-2.0
#include "fovea/fovea.h"

#define FOVEA_STRINGIFY(x) #x
#define FOVEA_VERSION_TEXT(major, minor, patch) \
    FOVEA_STRINGIFY(major) "." FOVEA_STRINGIFY(minor) "." FOVEA_STRINGIFY(patch)

const char* fovea_version(void) {
    return FOVEA_VERSION_TEXT(FOVEA_VERSION_MAJOR, FOVEA_VERSION_MINOR, FOVEA_VERSION_PATCH);
}

const char* fovea_status_string(fovea_status status) {
    switch (status) {
        case FOVEA_OK:
            return "ok";
        case FOVEA_ERROR_INVALID_ARGUMENT:
            return "invalid argument";
        case FOVEA_ERROR_OUT_OF_MEMORY:
            return "out of memory";
        case FOVEA_ERROR_IO:
            return "input/output error";
        case FOVEA_ERROR_NOT_A_MODEL:
            return "not a fovea model";
        case FOVEA_ERROR_BAD_MODEL:
            return "damaged model";
        case FOVEA_ERROR_UNSUPPORTED_MODEL:
            return "unsupported model";
        case FOVEA_ERROR_NOT_AN_IMAGE:
            return "not an image";
        case FOVEA_ERROR_UNSUPPORTED_IMAGE:
            return "unsupported image";
        case FOVEA_ERROR_CORRUPT_IMAGE:
            return "corrupt image";
        case FOVEA_ERROR_IMAGE_TOO_LARGE:
            return "image too large";
        case FOVEA_ERROR_UNSUPPORTED_ISA:
            return "unsupported instruction set";
        case FOVEA_ERROR_WORKSPACE_TOO_SMALL:
            return "workspace too small";
        case FOVEA_ERROR_UNKNOWN_TAP:
            return "unknown tap";
        case FOVEA_ERROR_CANCELLED:
            return "cancelled";
        case FOVEA_ERROR_SELFTEST_FAILED:
            return "self-test failed";
        case FOVEA_ERROR_INPUT_SIZE:
            return "unsupported input size";
        case FOVEA_ERROR_BUSY:
            return "session busy";
        case FOVEA_ERROR_MEMORY_LIMIT:
            return "over the memory limit";
        case FOVEA_STATUS_ANY_INT_:
            break;
    }
    return "unknown status";
}
