"""`python -m crmml` is `crmml`, for where no script is on the path."""

from crmml.cli import main

if __name__ == "__main__":
    main()
