/* SPDX-License-Identifier: Apache-2.0 */
    .section .rodata
    .balign 2
    .global recording
    .global recording_end
recording:
    .incbin "recording.s16"
recording_end:
