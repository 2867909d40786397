#!/bin/sh
# What install-deps would install, asked on machines that stand-ins for the package tools describe.
set -u
. tests/cli/tap.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# $work/installed has a line "PACKAGE ARCHITECTURE" for each package; installing is noted, no more.
mkdir "$work/bin"
cat >"$work/bin/dpkg" <<'EOF'
#!/bin/sh
[ "$1" = --print-architecture ] && echo amd64
EOF
# Like the real one, asked for architecture and status, it answers for all architectures.
cat >"$work/bin/dpkg-query" <<EOF
#!/bin/sh
[ "\$3" = '\${Architecture} \${db:Status-Status}\\n' ] || exit 2
for package in "\$@"; do :; done
awk -v p="\$package" '\$1 == p {print \$2, "installed"; n++} END {exit !n}' "$work/installed"
EOF
cat >"$work/bin/apt-get" <<EOF
#!/bin/sh
echo "\$*" >>"$work/asked"
EOF
cat >"$work/bin/apt-cache" <<'EOF'
#!/bin/sh
EOF
cat >"$work/bin/id" <<'EOF'
#!/bin/sh
echo 0
EOF
chmod +x "$work"/bin/*

all="$(sed -n 's/^\(build\|test\|bench\|optional\)="\([^$"]*\)"$/\2/p' install-deps | tr '\n' ' ') nodejs npm"
everything() {
    for package in $all; do echo "$package amd64"; done | sed 's/^\(python3[^ ]*\) amd64/\1 all/' >"$work/installed"
}
deps() {
    : >"$work/asked"
    PATH=$work/bin:$PATH ./install-deps "$@"
}
asked() {
    case "$(cat "$work/asked")" in *" $1"*) return 0 ;; esac
    cat "$work/asked"
    return 1
}

everything
check "where all is installed" deps build test bench
check "nothing is" test ! -s "$work/asked"
sed -i 's/^libcmocka-dev amd64/libcmocka-dev arm64/' "$work/installed"
check "a library of another architecture" deps build test
check "is not this machine's" asked libcmocka-dev
echo "libcmocka-dev amd64" >>"$work/installed"
check "one of both" deps build test
check "is" test ! -s "$work/asked"
sed -i '/^python3-networkx/d' "$work/installed"
check "the tests do not need the benches' packages" deps build test
check "so those are not installed" test ! -s "$work/asked"
check "make bench" deps build bench
check "installs its own" asked python3-networkx
check "make bench asks for them" sh -c 'make -n bench | grep -q "install-deps build bench"'
deps fuzz 2>"$work/err"
check "an unknown set is refused" test $? -eq 2
done_testing
