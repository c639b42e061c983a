#!/bin/bash
# =============================================================================
# EKS node bootstrap (Amazon Linux 2023)
#
# Runs once by cloud-init, before nodeadm starts the kubelet. It only hardens and tunes the host: joining the cluster is
# nodeadm's work, configured by the NodeConfig document that eks-nodes.tf puts beside this script in one MIME user data.
# It must stay idempotent and quick, since a node that hangs here never joins.
# =============================================================================
set -euo pipefail

log() { logger --tag emr-user-data --stderr "$1"; }

log "hardening the host"

# Kernel settings that Kubernetes does not care about. rp_filter and ip_forward are left alone: the VPC CNI and kube-proxy
# set them as they need.
cat >/etc/sysctl.d/90-emr-platform.conf <<'SYSCTL'
kernel.dmesg_restrict = 1
kernel.kptr_restrict = 2
kernel.unprivileged_bpf_disabled = 1
fs.suid_dumpable = 0
net.ipv4.conf.all.accept_redirects = 0
net.ipv4.conf.default.accept_redirects = 0
net.ipv4.conf.all.accept_source_route = 0
net.ipv4.conf.default.accept_source_route = 0
net.ipv4.conf.all.log_martians = 1
net.ipv4.tcp_syncookies = 1
# Many pods that watch files (log agents, Node.js) exhaust the defaults first.
fs.inotify.max_user_instances = 8192
fs.inotify.max_user_watches = 524288
SYSCTL
sysctl --quiet --load /etc/sysctl.d/90-emr-platform.conf

# A core dump of a pod may hold patient data; it must not stay on the disk.
install -d -m 0755 /etc/systemd/coredump.conf.d
cat >/etc/systemd/coredump.conf.d/90-emr-platform.conf <<'COREDUMP'
[Coredump]
Storage=none
ProcessSizeMax=0
COREDUMP

# People come in by Session Manager, which asks IAM and leaves a record; SSH does neither.
systemctl disable --now sshd.service >/dev/null 2>&1 || log "sshd is not installed"
systemctl enable --now amazon-ssm-agent.service >/dev/null 2>&1 || log "amazon-ssm-agent is not installed"

log "done"
