# Shape 2: a few lines that a provisioning product calls. All values are strings, and some are empty; the error itself
# is the result.
param([string]$identity, [string]$pin, [string]$dc)
Set-UMMailboxPIN -Identity $identity -Pin $pin -PinExpired $false -DomainController $dc
