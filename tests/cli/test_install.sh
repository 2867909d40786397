#!/bin/sh
# Installing, using what is installed, and uninstalling.
set -u
. tests/cli/tap.sh
case ${KERF_BUILD:-build} in
build) ;;
*)
    skip "installation" "only the release build is installed"
    done_testing
    ;;
esac
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
unset KERF_PATH DESTDIR
root=$work/root
data=$PWD/tests/data/cli
cc=${CC:-cc}

make_it() {
    make --no-print-directory PREFIX="$work/prefix" DESTDIR="$1" "$2"
}

# kerf.pc carries the prefix, so it is built apart from the tree's own.
check "make install" make_it "" install
check "the installed binary runs" "$work/prefix/bin/kerf" --version
check "and finds what is bundled beside it" sh -c '
    "$1" list devices --json | grep -q "\"file\": \"$2/share/kerf/devices/jetson-tx2.json\""' \
    sh "$work/prefix/bin/kerf" "$work/prefix"
check "the manual pages are installed" test -s "$work/prefix/share/man/man1/kerf-plan.1"
check "the systemd unit starts what is installed" grep -q "^ExecStart=$work/prefix/bin/kerf serve " \
    "$work/prefix/lib/systemd/system/kerf.service"

PKG_CONFIG_PATH=$work/prefix/lib/pkgconfig
export PKG_CONFIG_PATH
check "kerf.pc has the version" sh -c \
    'test "$(pkg-config --modversion kerf)" = "$("$1" --version | cut -d" " -f2)"' sh "$work/prefix/bin/kerf"
check "the example is below 60 lines" sh -c 'test "$(wc -l <docs/examples/plan.c)" -lt 60'
# shellcheck disable=SC2046
check "the example builds against the shared library" "$cc" -std=c11 -Wall -Wextra -Wpedantic -Werror \
    docs/examples/plan.c -o "$work/shared" $(pkg-config --cflags --libs kerf)
# shellcheck disable=SC2046
check "and against the static one" "$cc" -std=c11 docs/examples/plan.c -o "$work/static" \
    $(pkg-config --cflags kerf) -L"$work/prefix/lib" -l:libkerf.a \
    $(pkg-config --static --libs-only-l kerf | sed "s/-lkerf //")
LD_LIBRARY_PATH=$work/prefix/lib
export LD_LIBRARY_PATH
question="$data/networks/chain.json $data/devices/board.json $data/servers/box.json $data/links/plain.json"
for kind in shared static; do
    # shellcheck disable=SC2086
    check "the $kind example plans as the command does" sh -c '
        energy=$("$1" plan "$3" --device "$4" --server "$5" --link "$6" --json |
            sed -n "s/.*\"device_energy_J\": \([0-9.e-]*\).*/\1/p" | head -n 1)
        said=$("$2" "$3" "$4" "$5" "$6") || exit 1
        printf "%s\n%s\n" "$energy" "$said"
        printf "%.1f mJ" "$(echo "$energy" | awk "{print 1000 * \$1}")" >"$2.expected"
        case $said in "$(cat "$2.expected")"*) exit 0 ;; esac
        exit 1' sh "$work/prefix/bin/kerf" "$work/$kind" $question
done
check "headers stand alone, as C11 and as C++" sh -c '
    for header in include/kerf/*.h; do
        "$1" -std=c11 -Wall -Wextra -Wpedantic -Werror -fsyntax-only -Iinclude -x c "$header" || exit 1
        ! command -v c++ >/dev/null || c++ -Wall -Werror -fsyntax-only -Iinclude -x c++ "$header" || exit 1
    done' sh "$cc"
unset LD_LIBRARY_PATH

foreign() {
    nm "$@" | awk '$2 ~ /^[A-TV-Z]$/ && $3 !~ /^kerf_/ && $3 !~ /^(_init|_fini|_edata|_end|__bss_start)$/ {print $3}'
}
check "libkerf.so exports kerf_ symbols only" test -z "$(foreign -D --defined-only build/libkerf.so)"
check "libkerf.a exports kerf_ symbols only" test -z "$(foreign -g --defined-only build/libkerf.a)"
check "and the public ones are there" sh -c 'nm -D --defined-only build/libkerf.so | grep -q " T kerf_plan_make$"'

check "make uninstall" make_it "" uninstall
check "uninstall leaves nothing" sh -c 'left=$(find "$1" -not -type d); echo "$left"; test -z "$left"' sh "$work/prefix"
check "DESTDIR: install" make_it "$root" install
check "DESTDIR: everything is below it" test -x "$root$work/prefix/bin/kerf"
check "DESTDIR: nothing is outside it" test ! -e "$work/prefix/bin/kerf"
check "DESTDIR: uninstall" make_it "$root" uninstall
check "DESTDIR: uninstall leaves nothing" sh -c 'left=$(find "$1" -not -type d); echo "$left"; test -z "$left"' sh "$root"

check "other flags build apart from the usual ones" sh -c '
    make -n CFLAGS=-O0 all | grep -q "obj/release-[0-9]*/base/version\.o"'
if git rev-parse --is-inside-work-tree >/dev/null 2>&1 && [ -n "${CI:-}" ]; then
    check "building leaves no untracked files" sh -c \
        'left=$(git status --porcelain --untracked-files=all); echo "$left"; test -z "$left"'
else
    skip "building leaves no untracked files" "only in a clean checkout (CI=true)"
fi
done_testing
