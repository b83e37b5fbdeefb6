#!/usr/bin/env node
// Cannot start, and says why.
console.error('error while loading shared libraries: libAliRtc.so: cannot open shared object file');
console.error('eyJhcHBpZCI6ImFiYyIsImNoYW5uZWxpZCI6ImFiY0NoYW5uZWwifQ== is no good');
process.exitCode = 127;
