from bench.command.main import main

main()
