# authbridge: make builds build/authbridge; make help lists the rest.

VERSION := 0.1.0

CC      ?= cc
BUILD   ?= build
PREFIX  ?= /usr/local
DESTDIR ?=
PYTHON  ?= /usr/bin/python3

PACKAGES   := libcurl inih libssl libcrypto
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wformat=2
ifdef CI
WARNINGS += -Werror
endif

RELEASE_FLAGS  := -O2 -flto -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
RELEASE_LINK   := -O2 -flto=auto -pie -Wl,-z,relro,-z,now
DEBUG_FLAGS    := -Og -g3 -fno-omit-frame-pointer
SANITIZE_FLAGS := -O1 -g3 -fno-omit-frame-pointer -fsanitize=address,undefined \
                  -fno-sanitize-recover=undefined -DAUTHBRIDGE_TRACEABLE

ifeq ($(MODE),debug)
MODE_FLAGS := $(DEBUG_FLAGS)
MODE_LINK  :=
else ifeq ($(MODE),sanitize)
MODE_FLAGS := $(SANITIZE_FLAGS)
MODE_LINK  := -fsanitize=address,undefined
else
MODE_FLAGS := $(RELEASE_FLAGS)
MODE_LINK  := $(RELEASE_LINK)
endif
ifneq (,$(findstring clang,$(CC)))
MODE_LINK := $(subst -flto=auto,-flto -fuse-ld=lld,$(MODE_LINK))
endif

# Debian builds inih with limits that are variables; elsewhere they are fixed in the library.
INIH_FLAGS = $(shell printf '\043include <ini.h>\nint main(void){ini_max_line=0;return 0;}' | \
	$(CC) $(PKG_CFLAGS) -x c - -linih -o /dev/null 2>/dev/null && echo -DINIH_RUNTIME_LIMITS)

CPPFLAGS_ALL = -Iinclude -D_GNU_SOURCE -DAUTHBRIDGE_VERSION='"$(VERSION)"' \
               $(PKG_CFLAGS) $(CPPFLAGS)
CFLAGS_ALL    = -std=c11 $(WARNINGS) $(MODE_FLAGS) $(CFLAGS)

SOURCES := $(wildcard src/*.c)
OBJECTS := $(SOURCES:src/%.c=$(BUILD)/obj/%.o)

.PHONY: all
all: $(BUILD)/authbridge

$(BUILD)/authbridge: $(OBJECTS)
	@echo "LD  $@"
	@$(CC) $(MODE_LINK) $(LDFLAGS) -o $@ $(OBJECTS) $(PKG_LIBS) $(LDLIBS)

$(BUILD)/obj/%.o: src/%.c Makefile | $(BUILD)/obj
	@echo "CC  $<"
	@$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/obj/ini_file.o: CPPFLAGS_ALL += $(INIH_FLAGS)

$(BUILD)/obj:
	@pkg-config --exists $(PACKAGES) || { \
		echo "missing: libcurl, inih or OpenSSL for pkg-config; 'make run' installs them" >&2; exit 1; }
	@mkdir -p $@

-include $(OBJECTS:.o=.d)

.PHONY: clean
clean:
	rm -rf $(BUILD)
