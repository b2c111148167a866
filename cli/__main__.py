"""`python -m cli`: the `preceptor` command."""

from cli.app import main

if __name__ == "__main__":
    main()
