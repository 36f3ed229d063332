"""What has to be tidied up before a member starts."""
