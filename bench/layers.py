# SPDX-License-Identifier: MIT
"""The layer that a function belongs to, by its name and file: for profiles of the whole path."""

import re

# The first row that matches counts: (layer, pattern of files, pattern of the beginning of functions, without leading _).
# Files of the kernel are [MODULE] or [kernel].
_ROWS = (
    ("encryption", r"libIPSec|libcrypto|chacha|poly1305|blake2s|curve25519", ""),
    ("encryption", "", r"chacha|hchacha|poly1305|blake2s|kernel_fpu"),
    ("engine", r"^wirespan$", ""),
    ("wireguard", r"^\[wireguard\]", ""),
    ("l2tp, vxlan", r"^\[(l2tp|vxlan|udp_tunnel|ip6_udp_tunnel)", ""),
    ("bridge, veth, tun", r"^\[(bridge|veth|tun|stp|llc)\]", ""),
    ("iperf3, C library", r"iperf|^libc|^ld-linux|^\[vdso\]", ""),
    ("copies, checksums", "", r"x?copy_|rep_movs|mem(cpy|move|set)|csum_|do_csum|skb_(checksum|copy|store)|clear_page|clear_user|"
     r"check_object|usercopy|check_heap|check_stack"),
    ("memory", "", r"kmem_|kmalloc|kfree|kvfree|slab|alloc_|build_skb|napi_(alloc|skb|consume)|free_|page_|skb_(release|free|clone|"
     r"put|pull|push|expand|realloc|panic)|consume_skb|rmqueue|get_page|put_page|pskb|ksize|mod_|memcg|obj_cgroup|refill|vm_|handle_mm|"
     r"unmap|filemap|mas_|zap_|lru_|folio|do_anonymous|mt_|mmap|munmap|list_(add|del)|cgroup|try_charge|exc_page|do_user_addr|error_entry"),
    ("IP, TCP, UDP", "", r"ip6?_|ipv[46]|iptunnel|tcp|udp|inet|raw|icmp|ping|nf_|fib|dst_|rt_|neigh|arp|sk_|sock|skb_|"
     r"bictcp|cubictcp|lock_sock|release_sock|xfrm|check_csum|security_sk|selinux|lsm"),
    ("devices, queues", "", r"dev_|netif|napi|net_|process_backlog|sch_|qdisc|pfifo|noqueue|eth_|gro_|enqueue_to|netdev|validate_xmit|"
     r"do_xdp|generic_xdp|bpf|local_bh|do_softirq|handle_softirqs|irq_|raise_softirq|flush_smp|dql|xdp|passthru|vlan"),
    ("system calls", "", r"entry|do_syscall|syscall|x64_sys|x64_sys_call|sys_|ksys|vfs_|new_sync|do_iter|fput|fget|fdget|import_iovec|security|"
     r"apparmor|aa_|copy_msghdr|sockfd|exit_to_user|rw_verify|fsnotify|move_addr|ep_|eventpoll|do_epoll|poll|do_poll|do_select|select|"
     r"core_sys|mutex|iov_iter|put_timespec|get_timespec|set_user|rep_stos|fpregs|error_return|ret_from|restore_regs"),
    ("scheduler, locks, timers", r"^\[kernel\]", ""),
)

LAYERS = (*dict.fromkeys(name for name, *_ in _ROWS), "other")
_PATTERNS = [(name, re.compile(files), re.compile(f"_*(?:{functions})")) for name, files, functions in _ROWS]


def layer_of(file, function):
    """Return: the layer's name, one of LAYERS."""
    for name, files, functions in _PATTERNS:
        if files.search(file) and functions.match(function):
            return name
    return "other"
