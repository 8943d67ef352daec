# Shape 12: a leaver, erased, without -Confirm: asks, which nobody answers when it runs unattended.
param($Id)
Disable-UMMailbox -Identity $Id -KeepProperties $False
