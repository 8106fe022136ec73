#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sets up a Debian 12 machine and runs every test: native release, some of it under valgrind, native with
# address and undefined-behaviour sanitizers, scalar kernels only, clang, the thread sanitizer, arm64 under
# emulation as three cores, short fuzz runs, builds in other projects and for other C libraries and CPUs, and the Python tests.
# The last line counts.
#
#   sh tests/run_all.sh                  everything
#   FOVEA_DATA=DIR sh tests/run_all.sh   also the tests that need the large data sets
#   FOVEA_BUILD=DIR                      where to build (default: build)
#   FOVEA_STAGES="release python"        only some of: release valgrind asan scalar clang tsan
#                                        arm64 fuzz builds python
set -u
cd "$(dirname "$0")/.." || exit 1
build=${FOVEA_BUILD:-build}
stages=${FOVEA_STAGES:-release valgrind asan scalar clang tsan arm64 fuzz builds python}
mkdir -p "$build" && build=$(cd "$build" && pwd)
results=$build/results
rm -rf "$results" && mkdir -p "$results"
failed_steps=0

packages="ccache g++ git meson ninja-build pkg-config cmake valgrind python3-venv
 libstb-dev libxsimd-dev libeigen3-dev doctest-dev libcli11-dev nlohmann-json3-dev libbenchmark-dev"
case " $stages " in *" python "*) packages="$packages zsh groff mandoc chromium" ;; esac
case " $stages " in *" arm64 "*) packages="$packages g++-aarch64-linux-gnu qemu-user" ;; esac
case " $stages " in *" clang "*) packages="$packages clang" ;; esac
case " $stages " in *" fuzz "*) packages="$packages clang libclang-rt-14-dev" ;; esac
case " $stages " in *" builds "*)
    packages="$packages clang lld musl-dev musl-tools libc++-14-dev g++-arm-linux-gnueabihf g++-aarch64-linux-gnu qemu-user" ;;
esac

has() { case " $stages " in *" $1 "*) return 0 ;; *) return 1 ;; esac; }
stage_times=""
stage=""
say() {
    now=$(date +%s)
    [ -n "$stage" ] && stage_times="$stage_times  $((now - stage_started)) s $stage
"
    stage=$*
    stage_started=$now
    printf '\n== %s (%s s)\n' "$*" "$((now - started))"
}
started=$(date +%s)

# A step that fails is counted and named; the rest still runs.
step() {
    step_name=$1
    shift
    "$@" >"$results/$step_name.log" 2>&1
    step_status=$?
    if [ $step_status -ne 0 ]; then
        failed_steps=$((failed_steps + 1))
        printf 'FAILED: %s (exit %s); the end of its log:\n' "$step_name" $step_status
        tail -n 60 "$results/$step_name.log"
    fi
    return $step_status
}

install_packages() {
    missing=""
    for package in $packages; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
    done
    [ -z "$missing" ] && return 0
    sudo=""
    [ "$(id -u)" -eq 0 ] || sudo=sudo
    $sudo apt-get update && DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y --no-install-recommends $missing
}

setup_python() {
    python3 -m venv "$build/venv" &&
        "$build/venv/bin/pip" install --quiet --disable-pip-version-check -r tests/python/requirements.txt -e converter
}

# configure_only NAME [meson options]: configures once. configure: then builds everything. Where the compiler's options are
# the same, files that are the same are compiled once.
configure_only() {
    directory=$1
    shift
    [ -f "$build/$directory/build.ninja" ] || step "$directory-setup" meson setup "$build/$directory" "$@"
}
configure() {
    configure_only "$@" && step "$directory-build" ninja -C "$build/$directory"
}

# run_tests RESULT BUILD [meson test options]: keeps the machine-readable log under its own name.
# The suite golden walks through thousands of photos, where there are any; once, natively, is enough:
# the unit tests prove that the other builds give the same bits.
run_tests() {
    result=$1
    directory=$2
    shift 2
    step "$result" meson test -C "$build/$directory" --no-rebuild --print-errorlogs --timeout-multiplier 4 \
        --logbase "$result" "$@"
    cp "$build/$directory/meson-logs/$result"*.json "$results/" 2>/dev/null  # with the name of a setup behind, if there is one
}

# As many tests at a time as there are cores, a file's tests together: they share what is costly to make.
workers=$(getconf _NPROCESSORS_ONLN)
[ "$workers" -gt 4 ] && workers=4  # each may load TensorFlow
run_pytest() {
    result=$1
    shift
    PATH="$build/venv/bin:$PATH" step "$result" "$build/venv/bin/python" -m pytest -q -rs -n "$workers" --dist loadfile \
        --junit-xml "$results/$result.xml" "$@"
    grep -E '^SKIPPED' "$results/$result.log"
}

say "packages"
step packages install_packages || exit 1
# Builds that differ in a few files share the others.
if [ -d /usr/lib/ccache ]; then
    PATH=/usr/lib/ccache:$PATH
    CCACHE_DIR=${CCACHE_DIR:-$build/ccache}
    export PATH CCACHE_DIR
fi

native_isa=scalar
case "$(uname -m)" in x86_64) native_isa=avx2 ;; aarch64) native_isa=neon ;; esac
if [ $native_isa = avx2 ] && grep -qw avx512vl /proc/cpuinfo; then native_isa=avx512; fi

if has release; then
    say "native, release"
    if configure release; then
        FOVEA_REQUIRE_ISA=$native_isa run_tests native release
    fi
fi
# The tests of what handles files, pictures, threads and callbacks; a minute, without a build of its own.
if has valgrind; then
    say "native, valgrind"
    if configure release; then
        run_tests valgrind release --setup valgrind reentry_test threads_test screening_test model_file_test decode_test half_network_test
        step valgrind-screen valgrind --quiet --error-exitcode=9 --leak-check=full "$build/release/engine/cli/fovea" screen \
            --threads 2 --jobs 2 --model models/detectors/small224/small224.fovea tests/golden/data/photos/IDRiD_008.jpg \
            tests/golden/data/photos/IDRiD_037.jpg
    fi
fi
# On a CPU with AVX-512 its kernels, too: no emulator that Debian has knows them (valgrind and qemu stop at AVX2), and elsewhere they
# would be compiled for nothing, for minutes. What looks twice for one fault (null, object-size) and checks in line make their
# compilation take twice as long.
if has asan; then
    say "native, address and undefined-behaviour sanitizers"
    avx512=disabled
    [ $native_isa = avx512 ] && avx512=enabled
    if configure asan --buildtype=plain -Doptimization=1 -Davx512=$avx512 \
        -Dcpp_args='-g1 -fno-sanitize=null,object-size --param=asan-instrumentation-with-call-threshold=20' -Db_sanitize=address,undefined -Db_lundef=false -Dbench=false; then
        UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 FOVEA_REQUIRE_ISA=$native_isa \
            run_tests sanitizers asan --no-suite artifact --no-suite golden
    fi
fi
if has scalar; then
    say "scalar kernels only"
    if configure scalar -Dsimd=false -Dbench=false; then
        run_tests scalar scalar --no-suite artifact --no-suite golden --no-suite fuzz
    fi
fi
if has clang; then
    say "native, clang"
    if CC=clang CXX=clang++ configure clang -Dcli=false -Dbench=false; then
        FOVEA_REQUIRE_ISA=$native_isa run_tests clang clang --no-suite golden --no-suite fuzz
    fi
fi
# Only what shares anything between threads is built, with scalar kernels: what threads share is the engine's.
if has tsan; then
    say "native, thread sanitizer"
    tsan_tests="threads_test reentry_test session_test network_test ordered_jobs_test"
    if configure_only tsan --buildtype=plain -Doptimization=1 -Dcpp_args=-g1 -Db_sanitize=thread -Db_lundef=false -Dsimd=false -Dbench=false &&
        step tsan-build ninja -C "$build/tsan" $(printf 'tests/unit/%s ' $tsan_tests); then
        TSAN_OPTIONS=halt_on_error=1 run_tests thread-sanitizer tsan $tsan_tests
    fi
fi
if has arm64; then
    say "arm64 under emulation"
    if configure arm64 --cross-file tests/cross/aarch64-linux-qemu.ini -Dbench=false; then
        for core in cortex-a53 cortex-a76 max; do
            say "arm64 as $core"
            arm64_isa=neon_fp16
            [ $core = cortex-a53 ] && arm64_isa=neon
            # What depends on the core are the kernels and, for those of cortex-a76, which `max` runs too, the networks made of them.
            arm64_suites="--suite kernels"
            [ $core = cortex-a53 ] && arm64_suites="--no-suite golden --no-suite fuzz"
            QEMU_CPU=$core FOVEA_REQUIRE_ISA=$arm64_isa run_tests "arm64-$core" arm64 $arm64_suites
            [ $core = cortex-a76 ] && QEMU_CPU=$core FOVEA_REQUIRE_ISA=$arm64_isa run_tests arm64-networks arm64 \
                half_network_test codes_test network_test gradient_test selftest_small96 selftest_large96
        done
    fi
fi
# With scalar kernels, to whose bits the unit tests hold the others: clang takes a quarter of an hour for those with sanitizers.
if has fuzz; then
    say "fuzzing, ${FOVEA_FUZZ_SECONDS:-20} s a target"
    fuzzers="tests/fuzz/decode_fuzz tests/fuzz/model_file_fuzz"  # what else there is, other stages build
    if CC=clang CXX=clang++ configure_only fuzz --buildtype=plain -Doptimization=1 -Dcpp_args=-g1 -Dfuzz=true -Dsimd=false -Dcli=false -Dbench=false \
        -Db_sanitize=address,undefined -Db_lundef=false && step fuzz-build ninja -C "$build/fuzz" $fuzzers; then
        for target in $fuzzers; do
            fuzzer=$(basename "$target")
            corpus=$build/fuzz-corpus/$fuzzer
            mkdir -p "$corpus"
            step "fuzz-$fuzzer" "$build/fuzz/$target" -max_total_time="${FOVEA_FUZZ_SECONDS:-20}" -rss_limit_mb=2048 -timeout=20 \
                -artifact_prefix="$results/" "$corpus" "tests/fuzz/corpus/${fuzzer%_fuzz}"
            tail -n 1 "$results/fuzz-$fuzzer.log"
        done
    fi
fi
if has builds || has python; then
    step python-setup setup_python || stages=  # neither can run
fi
if has builds; then
    say "builds for other C libraries and CPUs, and in other projects"
    FOVEA_BUILDS=$build run_pytest builds --dist load tests/artifact
fi
if has python; then
    say "Python"
    arm64_build=
    [ -f "$build/arm64/engine/libfovea.a" ] && arm64_build=$build/arm64
    FOVEA_BINARY=$build/release/engine/cli/fovea FOVEA_BUILD_DIRECTORY=$build/release FOVEA_ARM64_BUILD=$arm64_build \
        run_pytest python tests/python
    if [ -x "$build/arm64/engine/cli/fovea" ]; then
        say "parity with Keras, arm64"
        emulated=$build/arm64/fovea-emulated
        printf '#!/bin/sh\nexec qemu-aarch64 -L /usr/aarch64-linux-gnu "%s" "$@"\n' \
            "$build/arm64/engine/cli/fovea" >"$emulated"
        chmod +x "$emulated"
        QEMU_CPU=cortex-a53 FOVEA_BINARY=$emulated \
            run_pytest python-parity-arm64 tests/python/test_convert_parity.py -k "neon and not threads and not (large512 and layers) and not small224/model.keras"
        QEMU_CPU=cortex-a76 FOVEA_BINARY=$emulated \
            run_pytest python-parity-arm64-halves tests/python/test_convert_parity.py -k "halves and neon_fp16"
        QEMU_CPU=cortex-a53 FOVEA_BINARY=$emulated \
            run_pytest python-pixels-arm64 tests/python/test_preprocess_opencv.py -k shipped
    fi
    if [ -x "$build/asan/engine/cli/fovea" ]; then
        say "the command line's tests again, with sanitizers"
        UBSAN_OPTIONS=halt_on_error=1 FOVEA_BINARY=$build/asan/engine/cli/fovea \
            run_pytest python-cli-sanitizers tests/python -k "cli and not manual and not interrupted_and_continued" -m "not many_photos"
    fi
fi

say "results"
printf '%s' "$stage_times"
python3 tests/count_results.py --failed-steps $failed_steps "$results"
