/* SPDX-License-Identifier: Apache-2.0 */
/* Square camera pixels on stdin to upright RGB on stdout, for tests/python/test_camera_pixels.py. Planes follow each
 * other, without padding. */
#include <fovea/fovea.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_line(void* cookie, fovea_log_level level, const char* message) {
    if (level == FOVEA_LOG_ERROR) fprintf(cookie, "upright_pixels: %s\n", message);
}

static fovea_pixel_format format_of(const char* name) {
    const char* const names[] = {"rgb", "rgba", "bgr", "bgra", "gray", "nv12", "nv21", "yuv420"};
    int i = 0;
    while (i < 8 && strcmp(names[i], name) != 0) ++i;
    return (fovea_pixel_format)i;
}

int main(int argc, char** argv) {
    fovea_pixels pixels = {.size = sizeof(pixels)};
    fovea_image image = {.size = sizeof(image)};
    fovea_session_settings settings;
    fovea_preset preset;
    fovea_status status;
    unsigned char* bytes = malloc(1 << 24);
    const size_t given = bytes != NULL ? fread(bytes, 1, 1 << 24, stdin) : 0;
    size_t side, half, at = 0;
    int plane;
    if (argc != 7 || given == 0) {
        fprintf(stderr, "usage: upright_pixels FORMAT limited|full|none SIDE ROTATION MIRROR CHROMA_PIXEL_STRIDE < PLANES > RGB\n");
        return 2;
    }
    pixels.format = format_of(argv[1]);
    pixels.yuv = FOVEA_YUV_NONE;
    if (strcmp(argv[2], "limited") == 0) pixels.yuv = FOVEA_YUV_BT601_LIMITED;
    if (strcmp(argv[2], "full") == 0) pixels.yuv = FOVEA_YUV_BT601_FULL;
    side = strtoul(argv[3], NULL, 10);
    half = (side + 1) / 2;
    pixels.width = pixels.height = (uint32_t)side;
    pixels.rotation = (uint32_t)strtoul(argv[4], NULL, 10);
    pixels.mirror = (uint32_t)strtoul(argv[5], NULL, 10);
    pixels.pixel_strides[1] = pixels.pixel_strides[2] = strtoul(argv[6], NULL, 10);
    for (plane = 0; plane < 3 && at < given; ++plane) {
        const size_t colors = pixels.format == FOVEA_RGBA || pixels.format == FOVEA_BGRA ? 4 : 3;
        const size_t step = plane != 0 ? pixels.pixel_strides[1] : pixels.format <= FOVEA_BGRA ? colors : 1;
        pixels.planes[plane] = bytes + at;
        pixels.strides[plane] = step * (plane == 0 ? side : half);
        pixels.plane_sizes[plane] = pixels.strides[plane] * (plane == 0 ? side : half);
        at += pixels.plane_sizes[plane];
    }
    if (at != given) {
        fprintf(stderr, "upright_pixels: %lu bytes given, %lu are the picture's\n", (unsigned long)given, (unsigned long)at);
        return 1;
    }
    fovea_session_settings_init(&settings);
    settings.log.write = print_line;
    settings.log.cookie = stderr;
    fovea_preset_init(&preset);
    preset.name = "none"; /* at the picture's own size: the pixels as they are */
    preset.output_size = (uint32_t)side;
    status = fovea_preprocess(&pixels, &preset, &settings, &image);
    if (status == FOVEA_OK) fwrite(image.data, 1, (size_t)image.width * image.height * 3, stdout);
    fovea_image_free(&image);
    free(bytes);
    return status == FOVEA_OK ? 0 : 1;
}
